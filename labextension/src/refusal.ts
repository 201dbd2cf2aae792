/** What the server says when it refuses. */

/** Why, in one line; `hint` may hold a second. */
export class NbprojError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string = '',
    readonly type: string = ''
  ) {
    super(message);
    this.name = 'NbprojError';
  }
}

/** Throw what the server says, when it refuses. */
export async function refuse(response: Response): Promise<void> {
  if (response.ok) {
    return;
  }
  let told: { message?: unknown; hint?: unknown; type?: unknown } = {};
  try {
    told = (await response.json()) as typeof told;
  } catch {
    // A proxy's page: its status says enough.
  }
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  throw new NbprojError(response.status, text(told.message) || `${response.status} ${response.statusText}`, text(told.hint), text(told.type));
}

/** An error in a line, with what can be done about it. */
export function told(error: unknown): string {
  const hint = error instanceof NbprojError && error.hint ? ` ${error.hint}` : '';
  return (error instanceof Error ? error.message : String(error)) + hint;
}
