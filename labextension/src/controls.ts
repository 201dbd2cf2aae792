/** Which control a parameter gets: by its type, its bounds and its choices, as in the form of a notebook. */
import { TranslationBundle } from '@jupyterlab/translation';
import { element, unique } from './dom';
import { IParameter, Json } from './model';

/** What a control holds whose parameter keeps its default. */
export const UNGIVEN: unique symbol = Symbol('ungiven');

export interface IControl {
  /** The elements, the first of which carries the label. */
  readonly parts: HTMLElement[];
  /** The one that carries the label. */
  readonly field: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
  /** What is given. */
  read(): Json | typeof UNGIVEN;
  /** Forget what must not stay. */
  clear(): void;
}

/** Finds the names that a path may go on with. */
export type Completer = (text: string) => Promise<string[]>;

/** From this ratio of two bounds on, a slider moves by powers of ten. */
const WIDE = 1000;
const STEPS = 100;
const MOST_STEPS = 1_000_000;
const MOST_SHOWN = 8;
const TYPED = 200;

/** Return the control of a parameter, which holds its default. */
export function controlOf(parameter: IParameter, trans: TranslationBundle, complete: Completer): IControl {
  if (parameter.secret) {
    return secret(parameter, trans);
  }
  if (parameter.choices?.length) {
    return parameter.type === 'list' ? several(parameter.choices, parameter) : choice(parameter.choices, parameter, trans);
  }
  switch (parameter.type) {
    case 'bool':
      return typeof parameter.default === 'boolean' ? toggle(parameter.default) : choice([true, false], parameter, trans);
    case 'int':
    case 'float':
      return number(parameter, trans);
    case 'date':
      return moment(parameter, 'date', trans);
    case 'datetime':
      return moment(parameter, 'datetime-local', trans);
    case 'path':
      return path(parameter, trans, complete);
    default:
      return text(parameter, trans);
  }
}

/** A value as it is typed. */
export function textOf(value: Json | undefined): string {
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function hint(parameter: IParameter, trans: TranslationBundle): string {
  if (!parameter.required && (parameter.default === null || parameter.default === undefined) && !parameter.optional) {
    return trans.__('left alone'); // what the notebook computes itself
  }
  const shapes: Record<string, string> = { list: '[1, 2] or [a, b]', dict: '{"a": 1}', uri: trans.__('an address or a path'), path: trans.__('a path') };
  const what = shapes[parameter.type] ?? parameter.type;
  return parameter.required ? trans.__('needed: %1', what) : what;
}

function typed(field: HTMLInputElement | HTMLTextAreaElement, parameter: IParameter, parts: HTMLElement[] = [field]): IControl {
  const before = textOf(parameter.default);
  field.value = before;
  // No default and nothing typed: nothing is given. With a default, the empty text is a value as any other.
  return { parts, field, read: () => (field.value === before ? UNGIVEN : field.value), clear: () => undefined };
}

function text(parameter: IParameter, trans: TranslationBundle): IControl {
  const value = textOf(parameter.default);
  const common = { class: 'nbproj-input', placeholder: hint(parameter, trans), spellcheck: 'false', autocomplete: 'off' };
  if (parameter.type === 'dict' || value.includes('\n')) {
    return typed(element('textarea', { ...common, rows: Math.min(value.split('\n').length + 1, MOST_SHOWN) }), parameter);
  }
  return typed(element('input', { ...common, type: 'text' }), parameter);
}

function number(parameter: IParameter, trans: TranslationBundle): IControl {
  // Not of type number: that one hides from us what is typed while it is no number.
  const field = element('input', { class: 'nbproj-input', type: 'text', placeholder: hint(parameter, trans), inputmode: 'decimal', autocomplete: 'off' });
  const { min, max } = parameter;
  const whole = parameter.type === 'int';
  const steps = min !== undefined && max !== undefined ? (max - min) / (parameter.step ?? (whole ? 1 : (max - min) / STEPS)) : 0;
  if (min === undefined || max === undefined || !(min < max) || (whole && steps > MOST_STEPS)) {
    return typed(field, parameter);
  }
  const powers = !whole && min > 0 && max / min >= WIDE && parameter.step === undefined;
  const into = (value: number): number => (powers ? Math.log10(value) : value);
  const slider = element('input', {
    type: 'range',
    class: 'nbproj-slider',
    min: into(min),
    max: into(max),
    step: powers ? 0.01 : (parameter.step ?? (whole ? 1 : (max - min) / STEPS)),
    input: () => {
      const value = powers ? Math.min(Math.max(10 ** Number(slider.value), min), max) : Number(slider.value);
      field.value = whole ? String(value) : String(Number(value.toPrecision(6)));
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }
  });
  const follow = (): void => {
    const value = field.value.trim() === '' ? Number.NaN : Number(field.value);
    if (value >= min && value <= max) {
      slider.value = String(into(value));
    }
  };
  field.addEventListener('input', event => {
    if (event.isTrusted) {
      follow();
    }
  });
  const control = typed(field, parameter, [field, slider]);
  follow();
  return control;
}

function choice(choices: Json[], parameter: IParameter, trans: TranslationBundle): IControl {
  const same = (value: Json): boolean => JSON.stringify(value) === JSON.stringify(parameter.default);
  const has = parameter.default !== undefined && choices.some(same);
  const pairs: { label: string; value: Json | typeof UNGIVEN }[] = choices.map(value => ({ label: textOf(value), value }));
  if (!has) {
    pairs.unshift({ label: parameter.required ? trans.__('choose ...') : '', value: UNGIVEN });
  }
  const field = element('select', { class: 'nbproj-input' }, ...pairs.map(({ label }, index) => element('option', { value: index }, label)));
  const start = has ? choices.findIndex(same) : 0;
  field.selectedIndex = start;
  const read = (): Json | typeof UNGIVEN => (field.selectedIndex === start ? UNGIVEN : (pairs[field.selectedIndex]?.value ?? UNGIVEN));
  return { parts: [field], field, read, clear: () => undefined };
}

function several(choices: Json[], parameter: IParameter): IControl {
  const before = Array.isArray(parameter.default) ? parameter.default.map(one => JSON.stringify(one)) : [];
  const options = choices.map((value, index) => element('option', { value: index, selected: before.includes(JSON.stringify(value)) }, textOf(value)));
  const field = element('select', { class: 'nbproj-input', multiple: true, size: Math.min(choices.length, MOST_SHOWN) }, ...options);
  const chosen = (): Json[] => [...field.selectedOptions].map(one => choices[Number(one.value)] ?? null);
  const start = JSON.stringify(chosen());
  return { parts: [field], field, read: () => (JSON.stringify(chosen()) === start ? UNGIVEN : chosen()), clear: () => undefined };
}

function toggle(before: boolean): IControl {
  const field = element('input', { type: 'checkbox', class: 'nbproj-check' });
  field.checked = before;
  return { parts: [field], field, read: () => (field.checked === before ? UNGIVEN : field.checked), clear: () => undefined };
}

function moment(parameter: IParameter, kind: 'date' | 'datetime-local', trans: TranslationBundle): IControl {
  const before = textOf(parameter.default);
  if (/(Z|[+-]\d\d:?\d\d)$/.test(before) && kind !== 'date') {
    return text(parameter, trans); // a picker would show it in the browser's zone
  }
  const field = element('input', { type: kind, class: 'nbproj-input', step: kind === 'date' ? null : 1 });
  field.value = before;
  const start = field.value;
  return { parts: [field], field, read: () => (field.value === start || field.value === '' ? UNGIVEN : field.value), clear: () => undefined };
}

function path(parameter: IParameter, trans: TranslationBundle, complete: Completer): IControl {
  const list = element('datalist', { id: unique('paths') });
  const field = element('input', {
    type: 'text',
    class: 'nbproj-input',
    list: list.id,
    placeholder: hint(parameter, trans),
    spellcheck: 'false',
    autocomplete: 'off'
  });
  let timer = 0;
  const look = async (): Promise<void> => {
    const asked = field.value;
    const found = await complete(asked);
    if (field.value === asked) {
      list.replaceChildren(...found.map(value => element('option', { value })));
    }
  };
  const soon = (): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void look(), TYPED);
  };
  field.addEventListener('input', soon);
  field.addEventListener('focus', soon);
  return typed(field, parameter, [field, list]);
}

function secret(parameter: IParameter, trans: TranslationBundle): IControl {
  const field = element('input', {
    type: 'password',
    class: 'nbproj-input',
    autocomplete: 'new-password',
    placeholder: trans.__('else from the variable %1', parameter.env ?? '')
  });
  return {
    parts: [field],
    field,
    read: () => field.value || UNGIVEN,
    clear: () => {
      field.value = '';
    }
  };
}
