import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SECOND_UNIT_COMMANDS_MIN, UNITS_IN_FLIGHT_MAX } from '../../src/persistence/group-commit.ts';
import { UNIT_COMMANDS_MAX } from '../../src/persistence/waiting-line.ts';
import { commandOn, plainCommand } from '../support/plain-command.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openTestService, type TestService } from '../support/test-service.ts';
import { DONE, fillFlight, until, watchedGroup } from './watched-group.ts';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('group');
  service = await openTestService(database.url);
});

afterAll(async () => {
  await service.close();
  await database.drop();
});

describe('a unit', () => {
  test('carries what arrived in one turn, in order', async () => {
    const watched = watchedGroup(service.run);
    watched.open();
    const commands = Array.from({ length: 20 }, () => plainCommand());
    const outcomes = await Promise.all(commands.map((command) => watched.submit(command)));
    expect(outcomes).toEqual(commands.map(() => DONE));
    expect(watched.units).toEqual([commands]);
  });

  test('carries no more than its bound, and no more units are in flight than theirs', async () => {
    const watched = watchedGroup(service.run);
    const { running } = await fillFlight(watched);
    const waiting = Array.from({ length: UNIT_COMMANDS_MAX + 10 }, () => watched.submit(plainCommand()));
    await new Promise((resolve) => setImmediate(resolve));
    expect(watched.units).toHaveLength(UNITS_IN_FLIGHT_MAX);
    expect(watched.group.depth).toBe(waiting.length);
    watched.open();
    await Promise.all([...running, ...waiting]);
    expect(watched.units.map((unit) => unit.length)).toEqual([1, 1, UNIT_COMMANDS_MAX, 10]);
  });

  test('starts beside one in flight once enough wait to fill it', async () => {
    const watched = watchedGroup(service.run);
    const first = watched.submit(plainCommand());
    await until(() => watched.units.length === 1);
    const few = Array.from({ length: SECOND_UNIT_COMMANDS_MIN - 1 }, () => watched.submit(plainCommand()));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(watched.units).toHaveLength(1);
    const last = watched.submit(plainCommand());
    await until(() => watched.units.length === 2);
    expect(watched.units[1]).toHaveLength(SECOND_UNIT_COMMANDS_MIN);
    watched.open();
    expect(await Promise.all([first, ...few, last])).toHaveLength(SECOND_UNIT_COMMANDS_MIN + 1);
  });

  test('starts beside one that takes long, with what there is', async () => {
    const watched = watchedGroup(service.run);
    const slow = watched.submit(plainCommand());
    await until(() => watched.units.length === 1);
    const next = watched.submit(plainCommand());
    await until(() => watched.units.length === 2);
    watched.open();
    expect(await Promise.all([slow, next])).toEqual([DONE, DONE]);
  });

  test('leaves to the one in flight what it has locked, and carries it afterwards', async () => {
    const watched = watchedGroup(service.run);
    const first = watched.submit(commandOn(['A']));
    await until(() => watched.units.length === 1);
    const same = [commandOn(['A']), commandOn(['A'])];
    const batch = [...same, ...Array.from({ length: SECOND_UNIT_COMMANDS_MIN }, (_, at) => commandOn([`B${at}`]))];
    const answers = watched.group.submit(batch, { lane: 'caller' });
    await until(() => watched.units.length === 2);
    expect(watched.units[1]).toEqual(batch.slice(same.length));
    expect(watched.group.depth).toBe(same.length);
    watched.open();
    expect(await first).toEqual(DONE);
    expect(await answers).toEqual(batch.map(() => DONE));
    expect(watched.units.slice(2)).toEqual([same]);
  });

  test('does not start beside one in flight for the few that do not need its rows', async () => {
    const watched = watchedGroup(service.run);
    const first = watched.submit(commandOn(['A']));
    await until(() => watched.units.length === 1);
    const same = Array.from({ length: SECOND_UNIT_COMMANDS_MIN }, () => watched.submit(commandOn(['A'])));
    const few = watched.submit(commandOn(['B']));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(watched.units).toHaveLength(1);
    // Once the first takes long there is no better use of the time.
    await until(() => watched.units.length === 2);
    expect(watched.units[1]).toHaveLength(1);
    watched.open();
    expect(await Promise.all([first, ...same, few])).toEqual(Array.from({ length: same.length + 2 }, () => DONE));
  });

  test('takes principals in turn', async () => {
    const watched = watchedGroup(service.run);
    const { running } = await fillFlight(watched);
    const loud = Array.from({ length: UNIT_COMMANDS_MAX * 2 }, () => watched.submit(plainCommand('loud')));
    const quiet = plainCommand('quiet');
    const answered = watched.submit(quiet);
    watched.open();
    await Promise.all([...running, ...loud, answered]);
    expect(watched.units[UNITS_IN_FLIGHT_MAX]?.indexOf(quiet)).toBe(1);
  });

  test('gives background work a quarter at most, and callers first', async () => {
    const watched = watchedGroup(service.run);
    const { running } = await fillFlight(watched);
    const sweep = Array.from({ length: UNIT_COMMANDS_MAX }, () => plainCommand('clock'));
    const swept = sweep.map((command) => watched.submit(command, 'background'));
    const calls = Array.from({ length: 10 }, () => plainCommand());
    const called = calls.map((command) => watched.submit(command));
    watched.open();
    await Promise.all([...running, ...swept, ...called]);
    const first = watched.units[UNITS_IN_FLIGHT_MAX];
    expect(first?.slice(0, 10)).toEqual(calls);
    expect(first).toHaveLength(10 + UNIT_COMMANDS_MAX / 4);
    expect(
      watched.units.every((unit) => unit.filter((one) => sweep.includes(one)).length <= UNIT_COMMANDS_MAX / 4),
    ).toBe(true);
  });
});

describe('under more calls than a unit can carry', () => {
  /** The unit after those in flight, and the one after that. */
  const SECOND_NEXT = UNITS_IN_FLIGHT_MAX + 1;

  test('background work has its turn', async () => {
    const watched = watchedGroup(service.run);
    const { running } = await fillFlight(watched);
    const loud = Array.from({ length: UNIT_COMMANDS_MAX * 4 }, () => watched.submit(plainCommand('loud')));
    const sweep = plainCommand('clock');
    const swept = watched.submit(sweep, 'background');
    watched.open();
    await Promise.all([...running, ...loud, swept]);
    expect(watched.units.findIndex((unit) => unit.includes(sweep))).toBeLessThanOrEqual(SECOND_NEXT);
    expect(Math.max(...watched.units.map((unit) => unit.length))).toBe(UNIT_COMMANDS_MAX);
  });

  test('a large group has its turn among many principals', async () => {
    const watched = watchedGroup(service.run);
    const { running } = await fillFlight(watched);
    const principals = Array.from({ length: 16 }, (_, at) => `loud-${at}`);
    const loud = principals.flatMap((principal) =>
      Array.from({ length: UNIT_COMMANDS_MAX / 4 }, () => watched.submit(plainCommand(principal))),
    );
    const large = Array.from({ length: UNIT_COMMANDS_MAX - 6 }, () => plainCommand('large'));
    const answered = watched.group.submit(large, { lane: 'caller' });
    watched.open();
    await Promise.all([...running, ...loud, answered]);
    const at = watched.units.findIndex((unit) => large.every((command) => unit.includes(command)));
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThanOrEqual(SECOND_NEXT);
  });
});
