import { describe, expect, test } from 'vitest';
import {
  DEFAULT_DEADLINE_MS,
  MAX_DEADLINE_MS,
  MAX_STREAM_DEADLINE_MS,
  startDeadline,
  unaryTimeoutMs,
} from '../../src/transport/deadline.ts';

describe('the time a call gets', () => {
  test.each([
    [null, undefined, DEFAULT_DEADLINE_MS],
    [5, undefined, 5],
    [-1, undefined, -1],
    [10 * 365 * 86_400_000, undefined, MAX_DEADLINE_MS],
    [null, 300_000, 300_000],
    [120_000, 300_000, 120_000],
  ])('asked for %s of its own %s it gets %s ms', (asked, own, timeoutMs) => {
    expect(unaryTimeoutMs(asked, own)).toBe(timeoutMs);
  });
});

describe('the end of a call', () => {
  const stays = () => new AbortController().signal;

  test('is its deadline', () => {
    const { signal } = startDeadline(0, stays(), 0);
    expect(signal.reason).toMatchObject({ status: { code: 4 } });
  });

  test('is its caller leaving, also before it began', () => {
    const gone = new AbortController();
    const running = startDeadline(1_000, gone.signal, 0);
    gone.abort();
    const late = startDeadline(1_000, gone.signal, 0);
    for (const { signal, clear } of [running, late]) {
      expect(signal.reason).toMatchObject({ status: { code: 1 } });
      clear();
    }
  });

  test('is not brought forward by a time longer than a timer can hold', () => {
    const deadline = startDeadline(100 * MAX_STREAM_DEADLINE_MS, stays(), 0);
    expect(deadline.signal.aborted).toBe(false);
    deadline.clear();
  });

  test('does not wait for the work', async () => {
    const deadline = startDeadline(1_000, stays(), 0);
    const race = deadline.race(new Promise(() => {}));
    deadline.abort(new Error('over') as never);
    await expect(race).rejects.toThrow('over');
    deadline.clear();
  });
});
