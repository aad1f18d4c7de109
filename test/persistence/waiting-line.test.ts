import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Group, HeldKeys, keysOf, UNIT_COMMANDS_MAX, WaitingLine } from '../../src/persistence/waiting-line.ts';
import { type Command, NO_NEEDS } from '../../src/ports.ts';
import { commandOn } from '../support/plain-command.ts';

function groupOf(commands: readonly Command[], lane: Group['lane'] = 'caller'): Group {
  return {
    commands,
    lane,
    signal: undefined,
    onAbort: () => undefined,
    resolve: () => undefined,
    reject: () => undefined,
    waiting: commands.map((command) => ({ command, keys: keysOf(command) })),
    answers: new Map(),
  };
}

function lineOf(groups: readonly Group[]): WaitingLine {
  const line = new WaitingLine();
  for (const group of groups) line.add(group);
  return line;
}

function heldKeys(skus: readonly string[]): HeldKeys {
  const held = new HeldKeys();
  held.hold(skus.map((sku) => `sku ${sku}`));
  return held;
}

const taken = (line: WaitingLine, held: HeldKeys) =>
  line.take(held).flatMap(({ commands }) => commands.map(({ command }) => command));

describe('the keys of a command', () => {
  test('name what two commands may both lock, however they mean it', () => {
    const made = { exchangeId: 'E1', newReservationId: 'r' };
    const reserve = { ...commandOn(['A']), needs: { ...NO_NEEDS, skus: ['A'], exchanges: [made] } };
    const release = {
      ...commandOn([]),
      needs: { ...NO_NEEDS, targets: [{ by: 'exchange', id: 'E1' } as const] },
    };
    expect(keysOf(release).every((key) => keysOf(reserve).includes(key))).toBe(true);
  });

  test('do not take one kind of row for another', () => {
    const needs = { ...NO_NEEDS, skus: ['1'], orderLines: [{ orderId: '1', orderLineId: '' }] };
    expect(new Set(keysOf({ ...commandOn([]), needs })).size).toBe(2);
  });
});

test('held keys are held until each holder lets go', () => {
  const held = heldKeys(['A', 'A']);
  held.release(['sku A']);
  expect(held.has('sku A')).toBe(true);
  held.release(['sku A']);
  expect(held.has('sku A')).toBe(false);
});

test('a batch goes as far as it can, and its rest keeps its place', () => {
  const commands = [commandOn(['A']), commandOn(['B']), commandOn(['A', 'C']), commandOn(['C']), commandOn(['D'])];
  const later = commandOn(['E']);
  const line = lineOf([groupOf(commands), groupOf([later])]);
  expect(taken(line, heldKeys(['A']))).toEqual([commands[1], commands[4], later]);
  expect(line.depth).toBe(3);
  line.add(groupOf([commandOn(['F'])]));
  expect(taken(line, heldKeys([])).slice(0, 3)).toEqual([commands[0], commands[2], commands[3]]);
});

test('a principal whose commands must wait does not hold up another, and is the first of the next unit', () => {
  const waiting = commandOn(['A'], 'first');
  const other = [commandOn(['B'], 'second'), commandOn(['C'], 'second')];
  const line = lineOf([groupOf([waiting]), ...other.map((command) => groupOf([command]))]);
  expect(taken(line, heldKeys(['A']))).toEqual(other);
  line.add(groupOf([commandOn(['A'], 'second')]));
  expect(taken(line, heldKeys([]))[0]).toBe(waiting);
});

test('a walk along a long line of commands that must wait has an end', () => {
  const line = lineOf(Array.from({ length: 2_000 }, () => groupOf([commandOn(['A'])])));
  line.add(groupOf([commandOn(['B'])]));
  expect(line.hasFree(heldKeys(['A']), 1)).toBe(false);
  expect(taken(line, heldKeys(['A']))).toEqual([]);
  expect(taken(line, heldKeys([]))).toHaveLength(UNIT_COMMANDS_MAX);
});

test('whether enough are free is told before any is taken', () => {
  const line = lineOf([groupOf([commandOn(['A']), commandOn(['B'])]), groupOf([commandOn(['C'])], 'background')]);
  expect(line.hasFree(heldKeys(['A']), 2)).toBe(true);
  expect(line.hasFree(heldKeys(['A']), 3)).toBe(false);
  expect(line.depth).toBe(3);
});

test('no unit carries what another has locked, nothing is lost, and what shares a row keeps its order', () => {
  const skus = fc.uniqueArray(fc.constantFrom<string[]>('A', 'B', 'C', 'D', 'E', 'F'), { maxLength: 3 });
  const groups = fc.array(fc.array(skus, { minLength: 1, maxLength: 4 }), { maxLength: 12 });
  fc.assert(
    fc.property(groups, fc.array(skus, { maxLength: 4 }), (wanted, heldInTurn) => {
      const made = wanted.map((group) => group.map((each) => commandOn(each)));
      const line = lineOf(made.map((commands) => groupOf(commands)));
      const order = made.flat();
      const gone: Command[] = [];
      for (const held of [...heldInTurn, []]) {
        const unit = taken(line, heldKeys(held));
        expect(unit.filter((command) => command.needs.skus.some((sku) => held.includes(sku)))).toEqual([]);
        gone.push(...unit);
      }
      expect(line.depth).toBe(0);
      expect(new Set(gone)).toEqual(new Set(order));
      for (const sku of ['A', 'B', 'C', 'D', 'E', 'F']) {
        const using = (commands: readonly Command[]) => commands.filter(({ needs }) => needs.skus.includes(sku));
        expect(using(gone)).toEqual(using(order));
      }
    }),
  );
});
