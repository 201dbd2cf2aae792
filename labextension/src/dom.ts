/** Elements of a page, typed. Data becomes text nodes and plain attributes, nothing else: no string is ever read as markup. */
import { draw, fill, make, set, unique } from '../../nbproj/widgets/web/dom.js';

/** What an attribute can be; a function listens to the event of that name. */
export type Attribute = string | number | boolean | null | undefined | ((event: Event) => void);
export type Child = Node | string | number | null | undefined | false;

/** Make an element. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return make(tag, attributes, ...children) as HTMLElementTagNameMap[K];
}

/** A button that looks like the front end's own. */
export function button(label: string, act: () => void, attributes: Record<string, Attribute> = {}): HTMLButtonElement {
  return element('button', { type: 'button', class: 'nbproj-button', click: act, ...attributes }, label);
}

/** A field behind its label, in one line. The label does not hold the field, whose options would be part of its name. */
export function setting(label: string, field: HTMLElement): HTMLDivElement {
  field.id ||= unique('setting');
  return element('div', { class: 'nbproj-setting' }, element('label', { class: 'nbproj-label', for: field.id }, label), field);
}

export { draw, fill, set, unique };
