// A report that is opened as a file leads to the page on this computer; one that the page serves, to that page.
if (location.protocol === 'file:') {
  for (const link of document.querySelectorAll('.gallery a')) link.href = document.body.dataset.page + link.getAttribute('href');
}
