/**
 * The server's side of nbproj, typed: one function for each route.
 *
 * What is asked again and again is asked with the ETag of the last answer, so that nothing is sent where nothing has changed.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { IArtifacts, ICheck, IOrder, IProject, IQuery, IQuestion, IRow, IRun, IRunEvent, IStatus, IWindow, Json } from './model';
import { refuse } from './refusal';
import { follow } from './stream';

type Query = { [name: string]: string | number | string[] | undefined };

function flag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

interface IKept {
  etag: string;
  value: unknown;
}

/** Answers that are kept to be compared; the oldest goes first. */
const MOST_KEPT = 16;

/** The server's side. Who is told the same as before gets the same object. */
export class Client {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  /** The entry points of a folder or notebook. */
  project(path: string): Promise<IProject> {
    return this.get<IProject>('projects', { path });
  }

  status(path: string): Promise<IStatus> {
    return this.get<IStatus>('status', { path });
  }

  runs(query: IQuery): Promise<IWindow> {
    const { columns, descending, grouped, ...rest } = query;
    return this.get<IWindow>('runs', { ...rest, column: columns, descending: flag(descending), grouped: flag(grouped) });
  }

  /** What the table asks beyond its lines; `buffers` holds pictures in base64. */
  answer(question: IQuestion, path: string): Promise<{ [key: string]: Json }> {
    return this.send<{ [key: string]: Json }>('POST', 'answers', { path }, question);
  }

  run(runId: string, path: string): Promise<IRun> {
    return this.get<IRun>(`runs/${encodeURIComponent(runId)}`, { path });
  }

  artifacts(runId: string, path: string): Promise<IArtifacts> {
    return this.get<IArtifacts>(`runs/${encodeURIComponent(runId)}/artifacts`, { path });
  }

  /** The address of an artifact, to be saved. */
  artifactUrl(runId: string, artifact: string, path: string): string {
    return this.url(`runs/${encodeURIComponent(runId)}/artifacts/${artifact.split('/').map(encodeURIComponent).join('/')}`, { path });
  }

  /** The content of an artifact. */
  async artifact(runId: string, artifact: string, path: string): Promise<Blob> {
    const response = await ServerConnection.makeRequest(this.artifactUrl(runId, artifact, path), {}, this.settings);
    await refuse(response);
    return response.blob();
  }

  /** Start a run; it is there when this returns, and goes on without us. */
  async start(order: IOrder): Promise<IRow> {
    return (await this.send<{ run: IRow }>('POST', 'runs', {}, order)).run;
  }

  /** What is wrong with the values of a form, by the name of the parameter. */
  async problems(check: ICheck): Promise<Record<string, string>> {
    return (await this.send<{ problems: Record<string, string> }>('POST', 'checks', {}, check)).problems;
  }

  /** Start a run for each combination of several values; the row is that of the run which stands for all of them. */
  async startBatch(order: IOrder & { several: Record<string, string> }): Promise<IRow> {
    return (await this.send<{ run: IRow }>('POST', 'batches', {}, order)).run;
  }

  async stop(runId: string, path: string): Promise<IRow> {
    return (await this.send<{ run: IRow }>('POST', `runs/${encodeURIComponent(runId)}/stop`, { path })).run;
  }

  /** Show another store; an empty address means that of each folder. */
  choose(trackingUri: string): Promise<{ store: string; why: string }> {
    return this.send<{ store: string; why: string }>('PUT', 'store', {}, { tracking_uri: trackingUri });
  }

  /** Give what happens in a run, until it has ended or `signal` says stop. */
  events(runId: string, path: string, signal: AbortSignal): AsyncGenerator<IRunEvent> {
    const url = this.url(`runs/${encodeURIComponent(runId)}/events`, { path });
    return follow(headers => ServerConnection.makeRequest(url, { headers, signal }, this.settings), signal);
  }

  private url(route: string, query: Query): string {
    const search = new URLSearchParams(
      Object.entries(query).flatMap(([name, value]) =>
        (Array.isArray(value) ? value : [value]).filter(one => one !== undefined && one !== '').map((one): [string, string] => [name, String(one)])
      )
    ).toString();
    return URLExt.join(this.settings.baseUrl, 'nbproj', 'api', route) + (search ? `?${search}` : '');
  }

  private async get<T>(route: string, query: Query): Promise<T> {
    const url = this.url(route, query);
    const known = this.kept.get(url);
    const headers: Record<string, string> = known ? { 'If-None-Match': known.etag } : {};
    const response = await ServerConnection.makeRequest(url, { headers }, this.settings);
    if (response.status === 304 && known) {
      return known.value as T;
    }
    await refuse(response);
    const value = (await response.json()) as T;
    const etag = response.headers.get('ETag');
    this.kept.delete(url);
    if (etag) {
      this.kept.set(url, { etag, value });
      for (const oldest of [...this.kept.keys()].slice(0, Math.max(this.kept.size - MOST_KEPT, 0))) {
        this.kept.delete(oldest);
      }
    }
    return value;
  }

  private async send<T>(method: 'POST' | 'PUT', route: string, query: Query, body?: object): Promise<T> {
    const init: RequestInit = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await ServerConnection.makeRequest(this.url(route, query), init, this.settings);
    await refuse(response);
    return (await response.json()) as T;
  }

  private readonly kept = new Map<string, IKept>();
}
