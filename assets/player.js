// The path player: everything a stop needs came with the page, so that dragging asks nobody. See explorer/ui/widgets/player.py.
// Bound by gr.HTML: `element` is its place, `watch` tells when a new path has come.
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// Between which two of n cells each of `size` pixels lies: half-pixel centres, edges held, as cv2.INTER_LINEAR.
const between = (n, size) => Array.from({ length: size }, (_, i) => {
  const place = Math.min(Math.max((i + 0.5) * n / size - 0.5, 0), n - 1), low = Math.floor(place);
  return [low, Math.min(low + 1, n - 1), place - low];
});

// One map (h, w) of 0..255 in colours, up-sampled before it is coloured.
const coloured = ({ w, rows, columns, image }, values, table) => {
  const pixels = image.data;
  let at = 0;
  for (const [top, bottom, down] of rows) {
    for (const [left, right, across] of columns) {
      const above = values[top * w + left] * (1 - across) + values[top * w + right] * across;
      const below = values[bottom * w + left] * (1 - across) + values[bottom * w + right] * across;
      const colour = 3 * Math.round(above * (1 - down) + below * down);
      pixels[at++] = table[colour];
      pixels[at++] = table[colour + 1];
      pixels[at++] = table[colour + 2];
      pixels[at++] = 255;
    }
  }
  return image;
};

let shown = null, coming = null, playing = null;

const find = (selector) => element.querySelector(selector);

const pause = () => {
  clearInterval(playing);
  playing = null;
  const button = find('.play');
  if (button) button.textContent = '▶ Play';
};

const paint = (map, stop) => {
  const { h, w } = map, values = map.bytes.subarray(stop * h * w, (stop + 1) * h * w);
  map.sheet.putImageData(coloured(map, values, shown.table), 0, 0);
  const { width, height } = map.canvas;
  map.context.globalAlpha = 1;
  map.context.drawImage(shown.picture, 0, 0, width, height);
  map.context.globalAlpha = shown.opacity;
  map.context.drawImage(map.sheet.canvas, 0, 0);
  map.note.textContent = map.notes[stop];
};

// One of the most probable classes, its probability as a bar; the class explained stands out.
const bar = ([name, share, words, explained]) => {
  const row = document.createElement('div');
  row.className = explained ? 'path-class explained' : 'path-class';
  for (const [tag, text] of [['span', name], ['i', ''], ['b', words]]) {
    row.appendChild(document.createElement(tag)).textContent = text;
  }
  row.querySelector('i').style.width = `${100 * share}%`;
  return row;
};

const show = (stop) => {
  if (!shown) return;
  shown.at = stop;
  const slider = find('.path-slider');
  slider.value = stop;
  slider.setAttribute('aria-valuetext', shown.heads[stop]);
  find('.path-head').textContent = shown.heads[stop];
  find('.path-words').textContent = shown.words[stop];
  find('.path-top').replaceChildren(...shown.tops[stop].map(bar));
  find('.path-now img + img').style.opacity = shown.alphas[stop];
  for (const map of shown.maps) paint(map, stop);
  document.documentElement.style.setProperty('--path-alpha', shown.alphas[stop]);
};

const start = async () => {
  pause();
  const before = shown || coming?.before;
  shown = coming = null;
  const data = find('.path-data');
  if (!data) return;
  const next = coming = JSON.parse(data.textContent);
  next.before = before;
  next.table = bytes(next.table);
  next.picture = find('.path-now img + img');
  for (const map of next.maps) {
    const figure = find(`[data-map="${map.key}"]`);
    map.canvas = figure.querySelector('canvas');
    map.note = figure.querySelector('small.value');
    map.context = map.canvas.getContext('2d');
    map.sheet = new OffscreenCanvas(map.canvas.width, map.canvas.height).getContext('2d');
    map.image = map.sheet.createImageData(map.canvas.width, map.canvas.height);
    map.columns = between(map.w, map.canvas.width);
    map.rows = between(map.h, map.canvas.height);
    map.bytes = bytes(map.values);
  }
  await next.picture.decode();
  if (coming !== next) return; // a newer one has come
  next.before = coming = null;
  shown = next;
  // The same path in other colours stays where it is.
  show(before && String(before.alphas) === String(next.alphas) ? before.at : next.alphas.length - 1);
};

const play = () => {
  if (playing) return pause();
  const last = shown.alphas.length - 1;
  if (shown.at === last) show(0);
  find('.play').textContent = '❚❚ Pause';
  playing = setInterval(() => (shown && shown.at < last ? show(shown.at + 1) : pause()), Math.max(40, 6000 / last));
};

element.addEventListener('input', (event) => {
  if (!event.target.matches('.path-slider')) return;
  pause();
  show(Number(event.target.value));
});
element.addEventListener('click', (event) => {
  if (!shown) return;
  const to = event.target.closest('[data-stop]');
  if (to) { pause(); show(Number(to.dataset.stop)); }
  if (event.target.closest('.play')) play();
});
watch('value', start);
start();
