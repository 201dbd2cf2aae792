/**
 * Runs, batches and projects that are saved in documents.
 *
 * What was saved is shown as it was: its HTML, through Jupyter's own renderer, which takes scripts out of what is not trusted. A run that was going on
 * then is asked for, and its card drawn anew when it has come further.
 */
import { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';
import { drawCard, known } from './card';
import { button, Child, element } from './dom';
import { Client } from './request';
import { Watch } from './watch';

export const RUN = 'application/vnd.nbproj.run.v1+json';
const OTHERS = ['runs', 'project', 'batch'].map(kind => `application/vnd.nbproj.${kind}.v1+json`);
const HTML = 'text/html';

/** How long a card must have been left alone before the server is asked: while a kernel still tells of it there is no need, in milliseconds. */
const PATIENCE = 5000;
const DEEPEST = 3;
const MOST = 50;

/** What the renderers need. */
export interface IPlace {
  client: Client;
  trans: TranslationBundle;
  rendermime: IRenderMimeRegistry;
  /** The folder of the document that is looked at. */
  path(): string;
  show(runId: string): void;
}

/** Let documents show what is ours. */
export function addRenderers(place: IPlace): void {
  const { rendermime } = place;
  // Before HTML, which has 50.
  rendermime.addFactory({ safe: true, mimeTypes: [RUN], createRenderer: options => new RunRenderer(options, place) }, 40);
  rendermime.addFactory({ safe: true, mimeTypes: OTHERS, createRenderer: options => new SavedRenderer(options, place) }, 40);
}

class SavedRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    options: IRenderMime.IRendererOptions,
    protected readonly place: IPlace
  ) {
    super();
    this.type = options.mimeType;
    this.addClass('nbproj-Saved');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    if (typeof model.data[HTML] === 'string' || Array.isArray(model.data[HTML])) {
      this.html ??= this.place.rendermime.createRenderer(HTML);
      this.content(this.html);
      await this.html.renderModel(model);
    } else {
      this.content(new Widget({ node: this.draw(model.data[this.type]) }));
    }
  }

  /** Draw what has come without HTML. */
  protected draw(value: unknown): HTMLElement {
    return element('div', { class: 'nbproj-card' }, outline(value, 0));
  }

  /** Show something in place of what was there. */
  protected content(widget: Widget): void {
    if (this.shown !== widget) {
      const before = this.shown;
      this.shown = widget;
      this.insertWidget(0, widget);
      if (before) {
        before.parent = null;
        if (before !== this.html) {
          before.dispose();
        }
      }
    }
  }

  protected readonly type: string;
  private html: IRenderMime.IRenderer | null = null;
  private shown: Widget | null = null;
}

class RunRenderer extends SavedRenderer {
  constructor(options: IRenderMime.IRendererOptions, place: IPlace) {
    super(options, place);
    const show = button(place.trans.__('Show in Projects'), () => place.show(this.run), { class: 'nbproj-button nbproj-small' });
    this.line = new Widget({ node: element('div', { class: 'nbproj-actions' }, show) });
  }

  override async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.forget();
    await super.renderModel(model);
    const { id, ended } = known(model.data[RUN]);
    this.run = id;
    if (!id) {
      return;
    }
    this.addWidget(this.line);
    if (!ended) {
      this.timer = window.setTimeout(() => this.follow(), PATIENCE);
    }
  }

  override dispose(): void {
    this.forget();
    super.dispose();
  }

  protected override draw(value: unknown): HTMLElement {
    return drawCard(value, this.place.trans);
  }

  private follow(): void {
    const { client, trans } = this.place;
    this.watch = new Watch(
      client,
      this.run,
      this.place.path(),
      run => this.content(new Widget({ node: drawCard(run.card, trans) })),
      // The saved state stays: it says itself when that was. The store may be one that this server does not know.
      () => this.forget()
    );
  }

  private forget(): void {
    window.clearTimeout(this.timer);
    this.watch?.dispose();
    this.watch = null;
  }

  private readonly line: Widget;
  private watch: Watch | null = null;
  private timer = 0;
  private run = '';
}

/** Names and values, for what has no card of its own. */
function outline(value: unknown, depth: number): Child {
  if (typeof value !== 'object' || value === null) {
    return String(value);
  }
  if (depth === DEEPEST) {
    return '\u2026';
  }
  const rows = Object.entries(value).slice(0, MOST);
  const line = ([name, one]: [string, unknown]): HTMLElement =>
    element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, outline(one, depth + 1)));
  return element('table', {}, element('tbody', {}, ...rows.map(line)));
}
