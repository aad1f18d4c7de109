import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GroupCommit } from '../../src/persistence/group-commit.ts';
import type { UnitWatcher } from '../../src/persistence/unit-of-work.ts';
import type { Command, Outcome } from '../../src/ports.ts';
import { commandOn } from '../support/plain-command.ts';

const DONE: Outcome = { ok: true, answer: { kind: 'swept', count: 1 }, replayed: false };

// A unit that takes long lets others start as well; here only the answers may.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

test('what waits for a row goes on as soon as its holder is answered, though the unit is still held up', async () => {
  const units: (readonly Command[])[] = [];
  const held = Promise.withResolvers<void>();
  const told = Promise.withResolvers<UnitWatcher>();
  const group = new GroupCommit(async (commands, watcher) => {
    units.push(commands);
    if (units.length > 1) return new Map(commands.map((command) => [command, DONE]));
    told.resolve(watcher);
    await held.promise;
    return new Map();
  });
  const [free, stuck, next] = [commandOn(['A']), commandOn(['B']), commandOn(['A'])];
  const first = group.submit([free, stuck], { lane: 'caller' });
  const watcher = await told.promise;
  watcher.heldUp();
  const second = group.submit([next], { lane: 'caller' });
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(units).toHaveLength(1);
  watcher.answered(free, DONE);
  expect(await second).toEqual([DONE]);
  watcher.answered(stuck, DONE);
  held.resolve();
  expect(await first).toEqual([DONE, DONE]);
}, 5_000);
