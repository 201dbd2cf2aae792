/** What happens in a run, as the server tells it while it happens: server-sent events. */
import { IRunEvent } from './model';
import { NbprojError, refuse } from './refusal';

/** Between two tries, in milliseconds: the first pause and the longest. */
const FIRST = 2000;
const LONGEST = 30_000;

/**
 * Give what happens, until it has ended or `signal` says stop. A lost connection is taken up again where it broke.
 *
 * Not an EventSource: that one cannot carry a token.
 */
export async function* follow(ask: (headers: Record<string, string>) => Promise<Response>, signal: AbortSignal): AsyncGenerator<IRunEvent> {
  let last = '';
  let pause = FIRST;
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (last) {
        headers['Last-Event-ID'] = last;
      }
      const response = await ask(headers);
      if (response.status === 204) {
        return;
      }
      await refuse(response);
      for await (const message of messages(response)) {
        last = message.id || last;
        pause = FIRST;
        if (message.data) {
          yield JSON.parse(message.data) as IRunEvent;
        }
      }
      if (last === 'end') {
        return;
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (error instanceof NbprojError && error.status < 500 && error.status !== 429) {
        throw error;
      }
    }
    await rest(pause, signal);
    pause = Math.min(pause * 2, LONGEST);
  }
}

/** The server-sent events of an answer. */
async function* messages(response: Response): AsyncGenerator<{ id: string; data: string }> {
  if (!response.body) {
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      text += value;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const message = { id: '', data: '' };
        for (const line of block.split('\n')) {
          if (line.startsWith('id: ')) {
            message.id = line.slice(4);
          } else if (line.startsWith('data: ')) {
            message.data += line.slice(6);
          }
        }
        yield message;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Wait, unless nobody waits any more. */
function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
