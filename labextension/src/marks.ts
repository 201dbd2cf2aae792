/** Marks on the cells of a notebook: which one holds the parameters, which ones belong to an entry point. Tags, which need nothing to be installed. */
import { Cell } from '@jupyterlab/cells';

const PARAMETERS = 'parameters';
const ENTRY = 'entrypoint:';

function tagsOf(cell: Cell): string[] {
  const tags: unknown = cell.model.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter((one): one is string => typeof one === 'string') : [];
}

function setTags(cell: Cell, tags: string[]): void {
  if (tags.length) {
    cell.model.setMetadata('tags', tags);
  } else {
    cell.model.deleteMetadata('tags');
  }
}

/** Whether a cell holds parameters. */
export function holdsParameters(cell: Cell): boolean {
  return tagsOf(cell).includes(PARAMETERS);
}

/** Mark a cell as that of the parameters, or take the mark away. */
export function markParameters(cell: Cell, on: boolean): void {
  const others = tagsOf(cell).filter(one => one !== PARAMETERS);
  setTags(cell, on ? [...others, PARAMETERS] : others);
}

/** The entry points that a cell belongs to. */
export function entriesOf(cell: Cell): string[] {
  return tagsOf(cell).flatMap(one => (one.startsWith(ENTRY) ? [one.slice(ENTRY.length)] : []));
}

/** Say which entry points a cell belongs to. */
export function markEntries(cell: Cell, names: string[]): void {
  setTags(cell, [...tagsOf(cell).filter(one => !one.startsWith(ENTRY)), ...new Set(names.map(name => ENTRY + name))]);
}

/** The names in a line of them. */
export function names(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}
