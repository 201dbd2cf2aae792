/** The form of one entry point: a control for each parameter, checked as one types by the rules of a run, and what surrounds a run. */
import { TranslationBundle } from '@jupyterlab/translation';
import { Completer, UNGIVEN } from './controls';
import { button, element, set, setting } from './dom';
import { IEntryPoint, IOrder, IProject, Json } from './model';
import { told } from './refusal';
import { Client } from './request';
import { Row } from './row';

const TYPED = 250;

/** What a form does when its buttons are pressed. */
export interface IActs {
  run(order: IOrder): Promise<void>;
  batch(order: IOrder & { several: Record<string, string> }): Promise<void>;
}

/** What stands in a form. */
export class Form {
  constructor(
    private readonly client: Client,
    private readonly trans: TranslationBundle,
    private readonly path: string,
    project: IProject,
    private readonly name: string,
    point: IEntryPoint,
    environment: string,
    complete: Completer,
    private readonly acts: IActs
  ) {
    this.rows = Object.entries(point.parameters).map(([key, parameter]) => new Row(key, parameter, trans, complete));
    this.told = element('p', { class: 'nbproj-told', role: 'status' });
    // Enter in any field presses it, too.
    this.run = element('button', { type: 'submit', class: 'nbproj-button nbproj-primary' }, trans.__('Run'));
    this.batch = button(trans.__('Run as batch'), () => void this.start(true), { disabled: true, title: trans.__('a run for every combination of the lists') });
    const select = (own: string, names: string[], chosen: string): HTMLSelectElement => {
      const field = element('select', { class: 'nbproj-input' }, ...['', ...names].map(one => element('option', { value: one }, one || own)));
      field.value = names.includes(chosen) ? chosen : '';
      return field;
    };
    const { kind, file } = project.environment;
    const own = trans.__("the project's own (%1)", file ? `${kind}, ${file}` : kind);
    this.environment = select(own, kind === 'docker' ? [] : project.env_managers, environment);
    this.backend = select(trans.__('as configured'), project.backends, '');
    this.experiment = element('input', { type: 'text', class: 'nbproj-input', placeholder: trans.__('as configured') });
    this.runName = element('input', { type: 'text', class: 'nbproj-input', placeholder: trans.__('made up') });
    const settings = element(
      'details',
      { class: 'nbproj-settings' },
      element('summary', {}, trans.__('Settings')),
      setting(trans.__('environment'), this.environment),
      setting(trans.__('backend'), this.backend),
      setting(trans.__('experiment'), this.experiment),
      setting(trans.__('name of the run'), this.runName)
    );
    this.element = element(
      'form',
      {
        class: 'nbproj-form',
        'aria-label': trans.__('Parameters of %1', name),
        input: () => this.touched(),
        change: () => this.touched(),
        submit: event => {
          event.preventDefault();
          void this.start(this.isBatch);
        }
      },
      point.help && element('p', { class: 'nbproj-help' }, point.help),
      ...this.rows.map(row => row.element),
      settings,
      element('div', { class: 'nbproj-actions' }, this.run, this.batch),
      this.told
    );
    this.arrange();
  }

  readonly element: HTMLFormElement;

  /** Whether anything has been changed in it. */
  dirty = false;

  dispose(): void {
    this.gone = true;
    window.clearTimeout(this.timer);
  }

  private get isBatch(): boolean {
    return this.rows.some(row => row.several !== null);
  }

  private get several(): Record<string, string> {
    return Object.fromEntries(this.rows.flatMap(row => (row.several === null ? [] : [[row.name, row.several]])));
  }

  private get given(): { [name: string]: Json } {
    const found: { [name: string]: Json } = {};
    for (const row of this.rows) {
      const given = row.several === null ? row.given : UNGIVEN;
      if (given !== UNGIVEN) {
        found[row.name] = given;
      }
    }
    return found;
  }

  private touched(): void {
    this.dirty = true;
    this.told.textContent = '';
    this.arrange();
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.check(false), TYPED);
  }

  private arrange(): void {
    const batch = this.isBatch;
    set(this.run, { disabled: batch || this.busy });
    set(this.batch, { disabled: !batch || this.busy });
  }

  /** Ask what is wrong and say it at each parameter; says whether nothing is. */
  private async check(all: boolean): Promise<boolean> {
    const asked = ++this.asked;
    try {
      const problems = await this.client.problems({ path: this.path, entry_point: this.name, parameters: this.given, several: this.several });
      if (asked !== this.asked || this.gone) {
        return false;
      }
      for (const row of this.rows) {
        // What nobody has touched yet is not wrong in red.
        row.complain(row.untouched && !all ? '' : (problems[row.name] ?? ''));
      }
      const first = this.rows.find(row => problems[row.name]);
      if (all && first) {
        first.focus();
      }
      return !Object.keys(problems).length;
    } catch (error) {
      if (asked === this.asked) {
        this.say(error);
      }
      return false;
    }
  }

  private async start(batch: boolean): Promise<void> {
    if (this.busy) {
      return;
    }
    this.busy = true;
    window.clearTimeout(this.timer);
    this.arrange();
    try {
      if (!(await this.check(true))) {
        return;
      }
      this.told.textContent = this.trans.__('Starting...');
      const order = this.order();
      await (batch ? this.acts.batch({ ...order, several: this.several }) : this.acts.run(order));
      this.told.textContent = '';
      this.rows.forEach(row => row.clear());
    } catch (error) {
      this.say(error);
    } finally {
      this.busy = false;
      this.arrange();
      if (document.activeElement === document.body && this.element.isConnected) {
        (batch ? this.batch : this.run).focus(); // a button that is disabled loses the focus
      }
    }
  }

  private order(): IOrder {
    const order: IOrder = { path: this.path, entry_point: this.name, parameters: this.given };
    if (this.environment.value) {
      order.env_manager = this.environment.value;
    }
    if (this.backend.value) {
      order.backend = this.backend.value;
    }
    if (this.experiment.value.trim()) {
      order.experiment_name = this.experiment.value.trim();
    }
    if (this.runName.value.trim()) {
      order.run_name = this.runName.value.trim();
    }
    return order;
  }

  private say(error: unknown): void {
    this.told.textContent = told(error);
  }

  private readonly rows: Row[];
  private readonly told: HTMLParagraphElement;
  private readonly run: HTMLButtonElement;
  private readonly batch: HTMLButtonElement;
  private readonly environment: HTMLSelectElement;
  private readonly backend: HTMLSelectElement;
  private readonly experiment: HTMLInputElement;
  private readonly runName: HTMLInputElement;
  private busy = false;
  private gone = false;
  private timer = 0;
  private asked = 0;
}
