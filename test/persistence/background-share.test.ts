import { describe, expect, test } from 'vitest';
import { BACKGROUND_LINES_MIN, BACKGROUND_MS_MAX, BackgroundShare } from '../../src/persistence/background-share.ts';

const LINES_MAX = 250;
const UNITS = 50;

/** Carries as much as the share allows beside a caller's line, again and again, where a line costs so much. */
function afterUnits(msPerLine: number, share = new BackgroundShare(LINES_MAX)): BackgroundShare {
  for (let unit = 0; unit < UNITS; unit += 1) share.learn(1 + share.lines, (1 + share.lines) * msPerLine);
  return share;
}

describe('the share of background work', () => {
  test('is what can be done in its time', () => {
    for (const msPerLine of [0.1, 0.2, 0.5]) {
      expect(afterUnits(msPerLine).lines * msPerLine).toBeCloseTo(BACKGROUND_MS_MAX, 0);
    }
  });

  test('is never more than its bound, nor so little that nothing goes on', () => {
    expect(afterUnits(0.001).lines).toBe(LINES_MAX);
    expect(afterUnits(100).lines).toBe(BACKGROUND_LINES_MIN);
  });

  test('follows the database when it becomes slower, and faster again', () => {
    const share = afterUnits(0.1);
    const fast = share.lines;
    expect(afterUnits(0.5, share).lines).toBeLessThan(fast / 3);
    expect(afterUnits(0.1, share).lines).toBeGreaterThan(fast * 0.9);
  });
});
