/** A run of the panel: its card while it goes on and afterwards, its end, its notebook. */
import { TranslationBundle } from '@jupyterlab/translation';
import { download } from '../../nbproj/widgets/web/dom.js';
import { body, lasted, opening, stateOf } from './card';
import { button, element, fill, set } from './dom';
import { IRun, IRunEvent } from './model';
import { told } from './refusal';
import { Client } from './request';
import { Tail } from './tail';
import { Watch } from './watch';

const SECOND = 1000;

/** What the card asks of what it stands in. */
export interface ISurroundings {
  openNotebook(path: string): Promise<void>;
  /** The run has another state now. */
  changed(): void;
  /** The run is there to be looked at. */
  drawn(): void;
}

/** Shows one run. */
export class RunCard {
  constructor(
    private readonly client: Client,
    private readonly trans: TranslationBundle,
    private readonly around: ISurroundings
  ) {
    this.head = element('div');
    this.step = element('p', { class: 'nbproj-told' });
    this.bar = element('progress', { 'aria-label': trans.__('Steps done'), hidden: true });
    this.output = element('pre', { tabindex: 0, role: 'group', 'aria-label': trans.__('Last lines of output'), hidden: true });
    this.going = element('div', { class: 'nbproj-going', hidden: true }, this.step, this.bar, this.output);
    this.body = element('div');
    this.told = element('p', { class: 'nbproj-told', role: 'status' });
    this.stop = button(trans.__('Stop'), () => void this.end(), { hidden: true });
    this.notebook = button(trans.__('Open notebook'), () => void this.open(), { hidden: true });
    this.close = button(trans.__('Close'), () => this.hide(), { 'aria-label': trans.__('Close the card of the run') });
    // What is pressed while a run goes on stands where it stood, whatever comes below it.
    const actions = element('div', { class: 'nbproj-actions' }, this.stop, this.notebook, this.close);
    this.card = element('div', { class: 'nbproj-card tex2jax_ignore mathjax_ignore' }, this.head, actions, this.told, this.going, this.body);
    this.element = element('section', { class: 'nbproj-run', 'aria-label': trans.__('Run'), hidden: true }, this.card);
  }

  readonly element: HTMLElement;

  /** Show a run. */
  show(id: string, path: string): void {
    if (id === this.shown) {
      void this.watch?.look();
      this.around.drawn();
      return;
    }
    this.leave();
    this.shown = id;
    this.path = path;
    this.status = '';
    this.tail.clear();
    this.step.textContent = '';
    this.told.textContent = '';
    set(this.bar, { hidden: true });
    set(this.output, { hidden: true });
    set(this.going, { hidden: true });
    set(this.card, { 'data-state': null });
    fill(this.head, [this.trans.__('Reading...')]);
    fill(this.body, []);
    set(this.element, { hidden: false });
    set(this.stop, { hidden: true });
    set(this.notebook, { hidden: true });
    this.watch = new Watch(this.client, id, path, run => this.draw(run), error => this.say(error), event => this.hear(event));
  }

  hide(): void {
    this.leave();
    this.shown = '';
    set(this.element, { hidden: true });
  }

  /** Ask no more. */
  private leave(): void {
    this.watch?.dispose();
    this.watch = null;
    this.run = null;
    window.clearInterval(this.clock);
    this.clock = 0;
  }

  private draw(run: IRun): void {
    this.run = run;
    const { status } = run.row;
    const goes = status === this.status;
    const first = this.status === '';
    // What the reader has unfolded, and where they have scrolled to, stays.
    const open = [...this.body.querySelectorAll('details')].map(one => one.open);
    set(this.card, { 'data-state': stateOf(run.card) });
    fill(this.head, opening(run.card, this.trans));
    fill(this.body, body(run.card, this.trans));
    if (goes) {
      this.body.querySelectorAll('details').forEach((one, index) => {
        one.open = open[index] ?? one.open;
      });
    }
    this.body.querySelectorAll('details pre').forEach(one => {
      one.scrollTop = one.scrollHeight;
    });
    const runs = !run.settled;
    const held = document.activeElement === this.stop;
    set(this.going, { hidden: !runs });
    set(this.stop, { hidden: !runs });
    set(this.notebook, { hidden: run.notebook_path === null && run.notebook_artifact === null });
    if (held && !runs) {
      (this.notebook.hidden ? this.close : this.notebook).focus();
    }
    if (runs && !this.clock) {
      this.clock = window.setInterval(() => this.tick(), SECOND);
    } else if (!runs) {
      window.clearInterval(this.clock);
      this.clock = 0;
    }
    this.status = status;
    if (first) {
      this.around.drawn();
    }
    if (!goes) {
      this.around.changed();
    }
  }

  /** Let the time of a run that goes on go on. */
  private tick(): void {
    const took = this.head.querySelector('.nbproj-took');
    if (took && this.run && !document.hidden) {
      took.textContent = lasted(this.run.card, Date.now());
    }
  }

  /** Show what is going on, as it is told. */
  private hear(event: IRunEvent): void {
    if (event.step === 'output') {
      this.tail.add(event.text ?? '');
      const { text } = this.tail;
      this.output.textContent = text;
      set(this.output, { hidden: !text.trim() });
      this.output.scrollTop = this.output.scrollHeight;
    } else if (event.text) {
      this.step.textContent = event.text;
      set(this.bar, { hidden: !event.total, max: event.total ?? null, value: event.done ?? 0 });
    }
  }

  private async end(): Promise<void> {
    if (this.stop.hasAttribute('aria-disabled')) {
      return;
    }
    set(this.stop, { 'aria-disabled': 'true' }); // it keeps the focus
    this.told.textContent = this.trans.__('Stopping...');
    const { shown } = this;
    try {
      await this.client.stop(shown, this.path);
      if (shown === this.shown) {
        this.told.textContent = '';
        await this.watch?.look();
      }
      this.around.changed();
    } catch (error) {
      this.say(error);
    } finally {
      set(this.stop, { 'aria-disabled': null });
    }
  }

  private async open(): Promise<void> {
    if (!this.run) {
      return;
    }
    const { notebook_path: path, notebook_artifact: artifact } = this.run;
    try {
      if (path !== null) {
        await this.around.openNotebook(path);
      } else if (artifact !== null) {
        // Outside the server's folder nothing can be opened: the file is handed out.
        download(artifact.split('/').pop() ?? artifact, await this.client.artifact(this.shown, artifact, this.path));
      }
    } catch (error) {
      this.say(error);
    }
  }

  private say(error: unknown): void {
    this.told.textContent = told(error);
  }

  private readonly card: HTMLDivElement;
  private readonly head: HTMLDivElement;
  private readonly body: HTMLDivElement;
  private readonly step: HTMLParagraphElement;
  private readonly bar: HTMLProgressElement;
  private readonly output: HTMLPreElement;
  private readonly going: HTMLDivElement;
  private readonly told: HTMLParagraphElement;
  private readonly stop: HTMLButtonElement;
  private readonly notebook: HTMLButtonElement;
  private readonly close: HTMLButtonElement;
  private readonly tail = new Tail();
  private watch: Watch | null = null;
  private run: IRun | null = null;
  private shown = '';
  private path = '';
  private status = '';
  private clock = 0;
}
