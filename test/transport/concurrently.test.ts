import { describe, expect, test } from 'vitest';
import { concurrently } from '../../src/transport/concurrently.ts';

const never = new AbortController().signal;

async function* numbers(count: number): AsyncGenerator<number> {
  for (let at = 0; at < count; at += 1) yield at;
}

describe('concurrently', () => {
  test('yields every result, the quickest first', async () => {
    const settle: (() => void)[] = [];
    const results = concurrently(numbers(3), 3, never, async (at) => {
      await new Promise<void>((resolve) => settle.push(resolve));
      return at;
    });
    const first = results.next();
    await expect.poll(() => settle.length).toBe(3);
    settle[2]?.();
    expect(await first).toEqual({ done: false, value: 2 });
    settle[0]?.();
    settle[1]?.();
    expect([(await results.next()).value, (await results.next()).value].sort()).toEqual([0, 1]);
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test('never has more under way or waiting to be taken than the limit', async () => {
    let begun = 0;
    const results = concurrently(numbers(10), 4, never, async (at) => {
      begun += 1;
      return at;
    });
    expect((await results.next()).done).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toBe(4);
    let rest = 0;
    for await (const _ of results) rest += 1;
    expect([rest, begun]).toEqual([9, 10]);
  });

  test('fails as the work does', async () => {
    const results = concurrently(numbers(2), 2, never, () => Promise.reject(new Error('broken')));
    await expect(results.next()).rejects.toThrow('broken');
  });

  test('fails as the source does', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1;
      throw new Error('cut off');
    }
    const results = concurrently(broken(), 2, never, () => new Promise<number>(() => {}));
    await expect(results.next()).rejects.toThrow('cut off');
  });

  test('ends when it is aborted', async () => {
    const gone = new AbortController();
    const results = concurrently(numbers(1), 2, gone.signal, () => new Promise<number>(() => {}));
    const next = results.next();
    gone.abort(new Error('gone'));
    await expect(next).rejects.toThrow('gone');
  });
});
