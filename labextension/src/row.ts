/** One row of the form: a parameter's control, whether it is None, whether it takes several values, its help, and what is wrong with it. */
import { TranslationBundle } from '@jupyterlab/translation';
import { Completer, controlOf, IControl, textOf, UNGIVEN } from './controls';
import { element, set, unique } from './dom';
import { IParameter, Json } from './model';

const MANY = 12;
const LONGEST = 30;

/** The elements of one parameter. */
export class Row {
  constructor(
    readonly name: string,
    readonly parameter: IParameter,
    trans: TranslationBundle,
    complete: Completer
  ) {
    this.control = controlOf(parameter, trans, complete);
    this.admits = parameter.optional && !parameter.secret;
    this.startsNone = this.admits && (parameter.default === null || parameter.default === undefined);
    const id = unique('field');
    this.help = element('div', { class: 'nbproj-help', id: unique('help') }, rule(parameter, trans));
    this.problem = element('div', { class: 'nbproj-problem', id: unique('problem'), role: 'alert', hidden: true });
    this.label = element('label', { class: 'nbproj-label', for: id }, name);
    this.list = element('input', {
      type: 'text',
      class: 'nbproj-input',
      hidden: true,
      placeholder: trans.__('values of a batch: 0.1, 0.2 or range(10)'),
      'aria-label': trans.__('%1, several values', name),
      'aria-describedby': `${this.problem.id} ${this.help.id}`
    });
    this.none = element('input', { type: 'checkbox', class: 'nbproj-check', 'aria-label': trans.__('%1 is None', name), change: () => this.arrange() });
    this.none.checked = this.startsNone;
    this.many = element(
      'button',
      { type: 'button', class: 'nbproj-button nbproj-small', 'aria-pressed': 'false', 'aria-label': trans.__('%1: list', name), click: () => this.turn() },
      trans.__('list')
    );
    set(this.control.field, { id, 'aria-describedby': `${this.problem.id} ${this.help.id}`, 'aria-required': parameter.required ? 'true' : null });
    const [, ...others] = this.control.parts;
    others.forEach(part => part.matches('[type=range]') && set(part, { 'aria-label': trans.__('%1, slider', name) }));
    const toggles = [
      this.admits && element('label', { class: 'nbproj-none' }, this.none, trans.__('none')),
      !parameter.secret && this.many
    ];
    const line = element('div', { class: 'nbproj-controls' }, ...this.control.parts, this.list, ...toggles);
    this.element = element('div', { class: 'nbproj-row' }, this.label, line, this.problem, this.help);
    this.arrange();
  }

  readonly element: HTMLDivElement;

  /** What is given: `UNGIVEN` for the default. */
  get given(): Json | typeof UNGIVEN {
    if (this.admits && this.none.checked) {
      return this.startsNone ? UNGIVEN : null;
    }
    return this.control.read();
  }

  /** The text that stands for several values; null when there is one. */
  get several(): string | null {
    return this.many.getAttribute('aria-pressed') === 'true' ? this.list.value : null;
  }

  /** Whether a value is needed here and nobody has given any yet. */
  get untouched(): boolean {
    return this.several === null && this.given === UNGIVEN && this.parameter.required === true;
  }

  /** Say what is wrong; an empty text when nothing is. */
  complain(problem: string): void {
    if (this.problem.textContent !== problem) {
      this.problem.textContent = problem;
    }
    set(this.problem, { hidden: !problem });
    for (const field of [this.control.field, this.list]) {
      set(field, { 'aria-invalid': problem ? 'true' : null });
    }
  }

  focus(): void {
    (this.several === null ? this.control.field : this.list).focus();
  }

  /** Forget a secret. */
  clear(): void {
    this.control.clear();
  }

  private turn(): void {
    const on = this.several === null;
    set(this.many, { 'aria-pressed': String(on) });
    if (on && !this.list.value && !['list', 'dict'].includes(this.parameter.type)) {
      const given = this.given;
      this.list.value = textOf(given === UNGIVEN ? this.parameter.default : given);
    }
    this.arrange();
    this.focus();
    this.list.dispatchEvent(new Event('input', { bubbles: true }));
  }

  private arrange(): void {
    const many = this.several !== null;
    const none = this.admits && this.none.checked;
    for (const part of this.control.parts) {
      set(part, { hidden: many, disabled: none });
    }
    set(this.list, { hidden: !many });
    set(this.none.parentElement ?? this.none, { hidden: many });
  }

  private readonly control: IControl;
  private readonly admits: boolean;
  private readonly startsNone: boolean;
  private readonly label: HTMLLabelElement;
  private readonly help: HTMLDivElement;
  private readonly problem: HTMLDivElement;
  private readonly list: HTMLInputElement;
  private readonly none: HTMLInputElement;
  private readonly many: HTMLButtonElement;
}

/** What a parameter means and what values it takes, as one line. */
function rule(parameter: IParameter, trans: TranslationBundle): string {
  const { choices, min, max } = parameter;
  const parts = parameter.help ? [parameter.help] : [];
  if (choices?.length) {
    const told = choices.slice(0, MANY).map(value => clip(textOf(value))).join(', ');
    parts.push(choices.length > MANY ? trans.__('one of %1 and %2 more', told, choices.length - MANY) : trans.__('one of %1', told));
  }
  if (min !== undefined && max !== undefined) {
    parts.push(trans.__('%1 to %2', min, max));
  } else if (min !== undefined) {
    parts.push(trans.__('at least %1', min));
  } else if (max !== undefined) {
    parts.push(trans.__('at most %1', max));
  }
  if (parameter.secret) {
    parts.push(trans.__('secret, in the variable %1', parameter.env ?? ''));
  }
  if (parameter.optional) {
    parts.push(trans.__('optional'));
  }
  return parts.join('; ');
}

function clip(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}\u2026` : text;
}
