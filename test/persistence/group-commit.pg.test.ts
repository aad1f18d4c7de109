import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  GroupCommit,
  QUEUE_COMMANDS_MAX,
  SECOND_UNIT_COMMANDS_MIN,
  UNIT_COMMANDS_MAX,
  UNITS_IN_FLIGHT_MAX,
} from '../../src/persistence/group-commit.ts';
import { type Command, NO_NEEDS, type Outcome, type SubmitOptions } from '../../src/ports.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openTestService, type TestService } from '../support/test-service.ts';

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

/** A command that only tells that it was decided. */
function plainCommand(principal = 'tester', onDecide: () => void = () => undefined): Command {
  return {
    name: 'plain',
    caller: { principal, actorType: 'SERVICE', channel: '' },
    claim: null,
    needs: NO_NEEDS,
    lineCount: 1,
    trace: null,
    decide: () => {
      onDecide();
      return { answer: { kind: 'swept', count: 1 } };
    },
  };
}

interface Watched {
  readonly group: GroupCommit;
  /** The commands of each unit, in the order the units began. */
  readonly units: (readonly Command[])[];
  submit(command: Command, lane?: SubmitOptions['lane'], signal?: AbortSignal): Promise<Outcome>;
  /** Lets units begin. */
  open(): void;
}

/** A queue before real units, which do not begin until it is opened. */
function watchedGroup(): Watched {
  const units: (readonly Command[])[] = [];
  const gate = Promise.withResolvers<void>();
  const group = new GroupCommit(async (commands) => {
    units.push(commands);
    await gate.promise;
    return await service.run(commands);
  });
  const submit: Watched['submit'] = async (command, lane = 'caller', signal) => {
    const [outcome] = await group.submit([command], { lane, ...(signal === undefined ? {} : { signal }) });
    if (outcome === undefined) throw new TypeError('one command, one outcome');
    return outcome;
  };
  return { group, units, submit, open: gate.resolve };
}

/** Waits for a condition, turn by turn of the event loop; the test's own time is the limit. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Begins as many units as may be in flight; they wait for the gate. */
async function fillFlight({ units, submit }: Watched): Promise<{ running: Promise<Outcome>[] }> {
  const running: Promise<Outcome>[] = [];
  while (units.length < UNITS_IN_FLIGHT_MAX) {
    const before = units.length;
    running.push(submit(plainCommand()));
    await until(() => units.length > before);
  }
  return { running };
}

const DONE = { ok: true, answer: { kind: 'swept', count: 1 }, replayed: false };

describe('a unit', () => {
  test('carries what arrived in one turn, in order', async () => {
    const watched = watchedGroup();
    watched.open();
    const commands = Array.from({ length: 20 }, () => plainCommand());
    const outcomes = await Promise.all(commands.map((command) => watched.submit(command)));
    expect(outcomes).toEqual(commands.map(() => DONE));
    expect(watched.units).toEqual([commands]);
  });

  test('carries no more than its bound, and no more units are in flight than theirs', async () => {
    const watched = watchedGroup();
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
    const watched = watchedGroup();
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
    const watched = watchedGroup();
    const slow = watched.submit(plainCommand());
    await until(() => watched.units.length === 1);
    const next = watched.submit(plainCommand());
    await until(() => watched.units.length === 2);
    watched.open();
    expect(await Promise.all([slow, next])).toEqual([DONE, DONE]);
  });

  test('takes principals in turn', async () => {
    const watched = watchedGroup();
    const { running } = await fillFlight(watched);
    const loud = Array.from({ length: UNIT_COMMANDS_MAX * 2 }, () => watched.submit(plainCommand('loud')));
    const quiet = plainCommand('quiet');
    const answered = watched.submit(quiet);
    watched.open();
    await Promise.all([...running, ...loud, answered]);
    expect(watched.units[UNITS_IN_FLIGHT_MAX]?.indexOf(quiet)).toBe(1);
  });

  test('gives background work a quarter at most, and callers first', async () => {
    const watched = watchedGroup();
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
    const watched = watchedGroup();
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
    const watched = watchedGroup();
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

describe('a queue', () => {
  test('refuses with OVERLOADED beyond its bound, and takes commands again when it has room', async () => {
    const watched = watchedGroup();
    const { running } = await fillFlight(watched);
    const waiting = Array.from({ length: QUEUE_COMMANDS_MAX }, () => watched.submit(plainCommand()));
    const refused = await watched.submit(plainCommand());
    expect(refused).toMatchObject({ ok: false, refusal: { reason: 'OVERLOADED', retryAfterMs: expect.any(Number) } });
    watched.open();
    expect((await Promise.all([...running, ...waiting])).every((outcome) => outcome.ok)).toBe(true);
    expect(await watched.submit(plainCommand())).toEqual(DONE);
  });

  test.each([
    ['CANCELLED', () => new DOMException('gone', 'AbortError')],
    ['DEADLINE_EXCEEDED', () => new DOMException('late', 'TimeoutError')],
  ])('drops a command that is cancelled while it waits: %s', async (reason, cause) => {
    const watched = watchedGroup();
    const { running } = await fillFlight(watched);
    const controller = new AbortController();
    let decided = 0;
    const command = plainCommand('tester', () => {
      decided += 1;
    });
    const dropped = watched.submit(command, 'caller', controller.signal);
    const neighbour = watched.submit(plainCommand());
    controller.abort(cause());
    expect(await dropped).toMatchObject({ ok: false, refusal: { reason } });
    expect(watched.group.depth).toBe(1);
    watched.open();
    expect(await Promise.all([...running, neighbour])).toEqual([...running.map(() => DONE), DONE]);
    expect(decided).toBe(0);
  });

  test('does not take a command that was cancelled before', async () => {
    const watched = watchedGroup();
    const outcome = await watched.submit(plainCommand(), 'caller', AbortSignal.abort());
    expect(outcome).toMatchObject({ ok: false, refusal: { reason: 'CANCELLED' } });
    expect(watched.units).toEqual([]);
  });

  test('does not cancel a command that runs', async () => {
    const watched = watchedGroup();
    watched.open();
    const controller = new AbortController();
    const command = plainCommand('tester', () => controller.abort());
    expect(await watched.submit(command, 'caller', controller.signal)).toEqual(DONE);
    expect(controller.signal.aborted).toBe(true);
  });

  test('finishes what it has when it closes, and takes nothing more', async () => {
    const watched = watchedGroup();
    const { running } = await fillFlight(watched);
    const waiting = watched.submit(plainCommand());
    const closed = watched.group.close();
    expect(await watched.submit(plainCommand())).toMatchObject({ ok: false, refusal: { reason: 'DRAINING' } });
    watched.open();
    await closed;
    expect(await Promise.all([...running, waiting])).toEqual([DONE, DONE, DONE]);
  });

  test('closes although its last command is cancelled', async () => {
    const watched = watchedGroup();
    const controller = new AbortController();
    const dropped = watched.submit(plainCommand(), 'caller', controller.signal);
    const closed = watched.group.close();
    controller.abort();
    expect(await dropped).toMatchObject({ ok: false, refusal: { reason: 'CANCELLED' } });
    await closed;
    expect(watched.units).toEqual([]);
  }, 5_000);
});
