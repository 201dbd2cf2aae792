/** What the reader looks at: the folder of the file browser, the notebook that is open, the file that a menu was opened on. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import { DocumentWidget } from '@jupyterlab/docregistry';
import { Contents } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';
import { Completer } from './controls';
import { IFrontEnd, ITarget } from './panel';

const MOST_NAMES = 100;

/** Return the folder as a target. */
export function folderTarget(path: string, trans: TranslationBundle): ITarget {
  return { path, label: trans.__('folder %1', path || '/') };
}

/** Return a notebook as a target. */
export function notebookTarget(path: string, trans: TranslationBundle): ITarget {
  return { path, label: trans.__('notebook %1', PathExt.basename(path)) };
}

/** Return what a file means as a project; null when it is none. Its name decides: some servers say of scripts, too, that they are notebooks. */
export function fileTarget(path: string, type: Contents.ContentType, trans: TranslationBundle): ITarget | null {
  if (type === 'directory') {
    return folderTarget(path, trans);
  }
  const name = PathExt.basename(path);
  if (name.endsWith('.ipynb')) {
    return notebookTarget(path, trans);
  }
  if (name === 'MLproject') {
    return folderTarget(PathExt.dirname(path), trans);
  }
  return /\.(py|sh)$/.test(name) ? { path: PathExt.dirname(path), entry: name, label: trans.__('script %1', name) } : null;
}

/** The open documents, and the names of files, for the panel. */
export class FrontEnd implements IFrontEnd {
  constructor(private readonly app: JupyterFrontEnd) {}

  async openNotebook(path: string): Promise<void> {
    await this.app.commands.execute('docmanager:open', { path });
  }

  /** Save what is open and unsaved of a project: what runs is what the reader sees. */
  async save(path: string): Promise<void> {
    const contents = this.app.serviceManager.contents;
    for (const widget of this.app.shell.widgets('main')) {
      if (widget instanceof DocumentWidget && widget.context.model.dirty) {
        const own = contents.localPath(widget.context.path);
        if (own === path || path === '' || own.startsWith(`${path}/`) || own === PathExt.join(PathExt.dirname(path), 'MLproject')) {
          await widget.context.save();
        }
      }
    }
  }

  complete(folder: string): Completer {
    const contents = this.app.serviceManager.contents;
    return async text => {
      if (text.startsWith('/') || text.includes('://') || text.includes('..')) {
        return [];
      }
      const cut = text.lastIndexOf('/') + 1;
      const rest = text.slice(cut);
      try {
        const found = await contents.get(PathExt.join(folder, text.slice(0, cut)), { content: true });
        const names = (found.content as Contents.IModel[]).filter(one => one.name.startsWith(rest));
        return names.slice(0, MOST_NAMES).map(one => text.slice(0, cut) + one.name + (one.type === 'directory' ? '/' : ''));
      } catch {
        return []; // no such folder: there is nothing to go on with
      }
    };
  }
}
