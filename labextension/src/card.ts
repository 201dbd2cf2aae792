/** The card of a run, drawn from `application/vnd.nbproj.run.v1+json`. Whatever a document holds, it becomes text. */
import { TranslationBundle } from '@jupyterlab/translation';
import { duration, moment, number } from '../../nbproj/widgets/web/format.js';
import { Child, draw, element } from './dom';

const WIDTH = 96;
const HEIGHT = 22;
const MOST = 200;

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, MOST) : [];
}

/** Return what a card says of its run: id, and whether it has ended. */
export function known(card: unknown): { id: string; ended: boolean } {
  const { run_id, stage } = fields(card);
  return { id: text(run_id), ended: stage !== 'running' };
}

/** Draw a card. */
export function drawCard(card: unknown, trans: TranslationBundle): HTMLElement {
  const store = text(fields(card)['store']);
  const last = store && element('table', {}, element('tbody', {}, pair(trans.__('store'), store)));
  return element('div', { class: 'nbproj-card tex2jax_ignore mathjax_ignore', 'data-state': stateOf(card) }, ...opening(card, trans), ...body(card, trans), last);
}

/** The state of a card's run. */
export function stateOf(card: unknown): string {
  return text(fields(card)['status']);
}

/** What stands first in a card: which run it is, how far it is, what has gone wrong. */
export function opening(card: unknown, trans: TranslationBundle): Child[] {
  const run = fields(card);
  return [header(run, trans), progress(run, trans), text(run['reason']) && element('p', { class: 'nbproj-reason' }, text(run['reason']))];
}

/** What a run was given and what came of it. */
export function body(card: unknown, trans: TranslationBundle): Child[] {
  const run = fields(card);
  const left = fields(run['left_out']);
  const more = (name: string): string => (typeof left[name] === 'number' && left[name] > 0 ? ` ${trans.__('(%1 more)', left[name])}` : '');
  const lines = (name: string, title: string): Child =>
    list(run[name]).length > 0 && block(title + more(name), list(run[name]).map(text).join('\n'));
  const output = list(run['output']).map(text);
  const unfolded = run['stage'] === 'running' || (run['status'] !== 'FINISHED' && !list(run['traceback']).length);
  const rows: Child[] = [
    ...list(run['notes']).map(note => pair(trans.__('note'), text(note))),
    list(run['artifacts']).length > 0 && pair(trans.__('artifacts'), list(run['artifacts']).map(text).join(', ') + more('artifacts')),
    text(run['notebook']) && pair(trans.__('notebook'), text(run['notebook']))
  ];
  return [
    lines('source', text(run['cell']) ? trans.__('cell %1', text(run['cell'])) : trans.__('the failing cell')),
    lines('traceback', trans.__('traceback')),
    metrics(fields(run['metrics']), trans, more('metrics')),
    params(fields(run['params']), trans, more('params')),
    output.length > 0 &&
      element('details', { open: unfolded }, element('summary', {}, trans.__('output') + more('output')), block('', output.join('\n'))),
    rows.some(Boolean) && element('table', {}, element('tbody', {}, ...rows))
  ];
}

/** How long a run has taken, or takes so far. */
export function lasted(card: unknown, now: number | null = null): string {
  const run = fields(card);
  const start = run['start_time'];
  const end = run['end_time'] ?? run['saved'] ?? now;
  return typeof start === 'number' && typeof end === 'number' && end >= start ? duration((end - start) / 1000) : '';
}

function header(run: Fields, trans: TranslationBundle): HTMLElement {
  const id = text(run['run_id']);
  const took = lasted(run, run['stage'] === 'running' ? Date.now() : null);
  const parts: Child[] = [element('b', { class: 'nbproj-state' }, text(run['status']))];
  for (const part of [
    text(run['entry_point']) && element('b', {}, text(run['entry_point'])),
    text(run['name']),
    took && element('span', { class: 'nbproj-took' }, took),
    id && element('span', {}, trans.__('run'), ' ', element('code', { title: id }, id.slice(0, 8))),
    typeof run['saved'] === 'number' && trans.__('as of %1', moment(run['saved']))
  ]) {
    if (part) {
      parts.push(' \u00b7 ', part);
    }
  }
  return element('div', {}, ...parts);
}

function progress(run: Fields, trans: TranslationBundle): Child {
  const { done, total } = fields(run['cells']);
  const step = text(run['step']);
  if (run['stage'] !== 'running' || (!step && typeof total !== 'number')) {
    return null;
  }
  const bar =
    typeof done === 'number' && typeof total === 'number' && element('progress', { value: done, max: Math.max(total, 1), 'aria-label': trans.__('cells done') });
  return element('div', {}, step || trans.__('%1 of %2 cells done', text(done), text(total)), bar);
}

function block(title: string, content: string): HTMLElement {
  return element('div', {}, title, element('pre', { tabindex: 0 }, content)); // what scrolls can be reached by keyboard
}

function pair(label: string, value: string): HTMLElement {
  return element('tr', {}, element('th', { scope: 'row' }, label), element('td', {}, value));
}

function metrics(values: Fields, trans: TranslationBundle, more: string): Child {
  const rows = Object.entries(values).slice(0, MOST);
  if (!rows.length) {
    return null;
  }
  const told = (value: unknown): string => (typeof value === 'number' ? number(value) : text(value));
  const body = rows.map(([name, one]) => {
    const { value, course } = fields(one);
    const points = list(course).map(Number).filter(Number.isFinite);
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, name),
      element('td', { class: 'nbproj-number' }, element('b', {}, told(value))),
      element('td', {}, points.length > 1 ? curve(points) : '')
    );
  });
  return table([trans.__('metric'), trans.__('value'), trans.__('course')], body, more);
}

function params(values: Fields, trans: TranslationBundle, more: string): Child {
  const rows = Object.entries(values).slice(0, MOST);
  return rows.length > 0 && table([trans.__('parameter'), trans.__('value')], rows.map(([name, value]) => pair(name, text(value))), more);
}

function table(heads: string[], rows: HTMLElement[], more: string): HTMLElement {
  const last = more && element('tr', {}, element('td', { colspan: heads.length }, more));
  const head = element('thead', {}, element('tr', {}, ...heads.map(one => element('th', { scope: 'col' }, one))));
  return element('table', {}, head, element('tbody', {}, ...rows, last));
}

function curve(points: number[]): Node {
  const low = Math.min(...points);
  const span = Math.max(...points) - low || 1;
  const places = points.map((value, index) => {
    const x = 2 + ((WIDTH - 4) * index) / (points.length - 1);
    return `${x.toFixed(1)},${(HEIGHT - 3 - ((HEIGHT - 6) * (value - low)) / span).toFixed(1)}`;
  });
  const line = draw('polyline', { points: places.join(' '), fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5 });
  return draw('svg', { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' }, line);
}
