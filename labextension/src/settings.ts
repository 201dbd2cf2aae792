/** The settings, applied now and whenever they change. */
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Live } from './live';
import { ProjectsPanel } from './panel';
import { Client } from './request';
import { RunsTable } from './table';

/** What the settings change. */
export interface IConfigured {
  client: Client;
  live: Live;
  panel: ProjectsPanel;
  tables: WidgetTracker<MainAreaWidget<RunsTable>>;
}

/** Read the settings, follow them, and return when they are applied for the first time. */
export async function applySettings(registry: ISettingRegistry, plugin: string, parts: IConfigured): Promise<void> {
  const settings = await registry.load(plugin);
  const { client, live, panel, tables } = parts;
  let store: string | null = null;
  const apply = async (): Promise<void> => {
    const environment: unknown = settings.get('environment').composite;
    const seconds: unknown = settings.get('pollInterval').composite;
    const uri: unknown = settings.get('trackingUri').composite;
    panel.environment = typeof environment === 'string' ? environment : '';
    live.pace = (typeof seconds === 'number' ? seconds : 2) * 1000;
    if (typeof uri === 'string' && uri !== store) {
      // A server that nobody has told anything has each folder's own store.
      const begin = store === null && uri === '';
      store = uri;
      if (!begin) {
        await client.choose(uri);
        panel.reset();
        tables.forEach(one => one.content.reset());
      }
    }
  };
  settings.changed.connect(() => {
    apply().catch(reason => console.error('nbproj:', reason));
  });
  await apply();
}
