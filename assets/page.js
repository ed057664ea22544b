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

  // While another network takes the place of the one shown, the server closes its lists. One that is open would stay
  // open, and Gradio's list breaks when its choices become fewer: it is left. So are lists of other pages, until nothing
  // is computed any more.
  const ELSEWHERE = '#rival, #evaluate-layers';
  const leave = (list) => list.querySelector('input[aria-expanded=true]')?.dispatchEvent(new FocusEvent('blur'));
  let closed = false;
  new MutationObserver(() => {
    const disabled = !!document.querySelector('#class input')?.disabled;
    const working = !document.querySelector('#stop')?.disabled;
    if (disabled && !closed) {
      closed = true;
      for (const list of document.querySelectorAll(`#head, #class, #layer, ${ELSEWHERE}`)) leave(list);
      for (const list of document.querySelectorAll(ELSEWHERE)) list.inert = true;
    } else if (closed && !disabled && !working) {
      closed = false;
      for (const list of document.querySelectorAll(ELSEWHERE)) list.inert = false;
    }
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled'] });
})();
