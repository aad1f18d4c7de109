import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { followStream } from '../../adapters/cli/follow-stream.ts';

interface Message {
  readonly resumeToken: string;
}

const message = (resumeToken: string): Message => ({ resumeToken });
const broken = () => new ConnectError('broken', Code.Unavailable);

/** A service whose connections send their messages and then end as told: well, or with an error. */
function connections(...scripts: readonly (readonly (Message | Error)[])[]) {
  const asked: string[] = [];
  async function* open(resumeToken: string): AsyncGenerator<Message> {
    const script = scripts[asked.push(resumeToken) - 1] ?? [];
    for (const step of script) {
      if (step instanceof Error) throw step;
      yield step;
    }
  }
  return { asked, open };
}

async function collect(messages: AsyncIterable<Message>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { resumeToken } of messages) seen.push(resumeToken);
  return seen;
}

test('resumes a broken stream from the last token', async () => {
  const { asked, open } = connections([message('a'), message('b'), broken()], [message('c')]);
  expect(await collect(followStream(open, new AbortController().signal))).toEqual(['a', 'b', 'c']);
  expect(asked).toEqual(['', 'b']);
});

test('does not try again where nothing was ever heard', async () => {
  const { asked, open } = connections([broken()], [message('a')]);
  await expect(collect(followStream(open, new AbortController().signal))).rejects.toThrow('broken');
  expect(asked).toHaveLength(1);
});

test('does not repeat what was refused', async () => {
  const { asked, open } = connections([message('a'), new ConnectError('gone', Code.NotFound)], [message('b')]);
  await expect(collect(followStream(open, new AbortController().signal))).rejects.toThrow('gone');
  expect(asked).toHaveLength(1);
});

test('ends its connection when it is stopped or left, though the service would go on', async () => {
  const signals: AbortSignal[] = [];
  async function* endless(_: string, signal: AbortSignal): AsyncGenerator<Message> {
    signals.push(signal);
    yield message('a');
    await new Promise((_resolve, reject) => {
      if (signal.aborted) reject(broken());
      else signal.addEventListener('abort', () => reject(broken()));
    });
  }
  for await (const first of followStream(endless, new AbortController().signal)) {
    expect(first.resumeToken).toBe('a');
    break;
  }
  expect(signals[0]?.aborted).toBe(true);
  const stop = new AbortController();
  const following = collect(followStream(endless, stop.signal));
  stop.abort();
  await following;
  expect(signals.every((signal) => signal.aborted)).toBe(true);
});
