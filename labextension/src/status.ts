/** A line at the window's edge: how many runs are under way. */
import { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { element } from './dom';
import { Live } from './live';
import { IStatus } from './model';

/** The item of the status bar. */
export class RunningItem extends Widget {
  constructor(
    private readonly live: Live,
    private readonly trans: TranslationBundle,
    open: () => void
  ) {
    super();
    this.addClass('nbproj-Status');
    this.button = element('button', { type: 'button', class: 'nbproj-running', click: open });
    this.node.append(this.button);
    live.told.connect(this.tell, this);
    this.tell(live, live.status);
  }

  override dispose(): void {
    this.live.told.disconnect(this.tell, this);
    super.dispose();
  }

  private tell(_live: Live, status: IStatus | null): void {
    this.button.textContent = this.trans.__('%1 running', status ? status.running : '\u2013');
    this.button.title = status ? this.trans.__('Runs that are under way in %1', status.store) : this.trans.__('The tracking store does not answer');
  }

  private readonly button: HTMLButtonElement;
}
