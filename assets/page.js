// Pictures dropped or pasted anywhere on the page go the way of the "Add pictures" button.
(() => {
  // Each page has an address of its own, to be linked to. Kept as it came: tabs tell of themselves as they appear.
  window.openedAt = window.location.search.slice(1);
  const showAddress = (page) => {
    const address = new URL(window.location);
    if (page === 'explore') address.searchParams.delete('view'); else address.searchParams.set('view', page);
    history.replaceState(null, '', address);
  };
  // What Gradio calls before a handler, with its inputs: they reach it with what only the browser knows.
  window.opening = (session, dark, address, ...controls) =>
    [session, document.body.classList.contains('dark'), window.openedAt, ...controls];
  window.turningTo = (page) => (...inputs) => { showAddress(page); return inputs; };
  const give = (files) => {
    const input = document.querySelector('#add-pictures input[type=file], input#add-pictures, input[data-testid*=add-pictures]')
      || document.querySelector('#add-pictures')?.parentElement?.querySelector('input[type=file]');
    if (!input || !files.length) return false;
    const bag = new DataTransfer();
    for (const file of files) bag.items.add(file);
    input.files = bag.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
    return true;
  };
  const inAnotherDropZone = (event) => event.target.closest && event.target.closest('[data-testid=image], .image-container, input, textarea');
  document.addEventListener('dragover', (event) => { if (event.dataTransfer?.types.includes('Files')) event.preventDefault(); });
  document.addEventListener('drop', (event) => {
    if (inAnotherDropZone(event) || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    give([...event.dataTransfer.files]);
  });
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (files.length && give(files)) event.preventDefault();
  });
})();
