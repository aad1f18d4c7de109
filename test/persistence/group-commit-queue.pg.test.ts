import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QUEUE_COMMANDS_MAX } from '../../src/persistence/group-commit.ts';
import { commandOn, plainCommand } from '../support/plain-command.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { openTestService, type TestService } from '../support/test-service.ts';
import { DONE, fillFlight, until, watchedGroup } from './watched-group.ts';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('queue');
  service = await openTestService(database.url);
});

afterAll(async () => {
  await service.close();
  await database.drop();
});

describe('a queue', () => {
  test('refuses with OVERLOADED beyond its bound, and takes commands again when it has room', async () => {
    const watched = watchedGroup(service.run);
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
    const watched = watchedGroup(service.run);
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

  test('drops what is left of a batch that is cancelled while a part of it runs', async () => {
    const watched = watchedGroup(service.run);
    const first = watched.submit(commandOn(['A']));
    await until(() => watched.units.length === 1);
    const controller = new AbortController();
    const batch = [commandOn(['B']), commandOn(['A']), commandOn(['C'])];
    const answers = watched.group.submit(batch, { lane: 'caller', signal: controller.signal });
    await until(() => watched.units.length === 2);
    expect(watched.units[1]).toEqual([batch[0], batch[2]]);
    controller.abort(new DOMException('gone', 'AbortError'));
    expect(watched.group.depth).toBe(0);
    watched.open();
    expect(await answers).toEqual([DONE, expect.objectContaining({ ok: false }), DONE]);
    expect(await first).toEqual(DONE);
    expect(watched.units).toHaveLength(2);
  });

  test('does not take a command that was cancelled before', async () => {
    const watched = watchedGroup(service.run);
    const outcome = await watched.submit(plainCommand(), 'caller', AbortSignal.abort());
    expect(outcome).toMatchObject({ ok: false, refusal: { reason: 'CANCELLED' } });
    expect(watched.units).toEqual([]);
  });

  test('does not cancel a command that runs', async () => {
    const watched = watchedGroup(service.run);
    watched.open();
    const controller = new AbortController();
    const command = plainCommand('tester', () => controller.abort());
    expect(await watched.submit(command, 'caller', controller.signal)).toEqual(DONE);
    expect(controller.signal.aborted).toBe(true);
  });

  test('finishes what it has when it closes, and takes nothing more', async () => {
    const watched = watchedGroup(service.run);
    const { running } = await fillFlight(watched);
    const waiting = watched.submit(plainCommand());
    const closed = watched.group.close();
    expect(await watched.submit(plainCommand())).toMatchObject({ ok: false, refusal: { reason: 'DRAINING' } });
    watched.open();
    await closed;
    expect(await Promise.all([...running, waiting])).toEqual([DONE, DONE, DONE]);
  });

  test('closes although its last command is cancelled', async () => {
    const watched = watchedGroup(service.run);
    const controller = new AbortController();
    const dropped = watched.submit(plainCommand(), 'caller', controller.signal);
    const closed = watched.group.close();
    controller.abort();
    expect(await dropped).toMatchObject({ ok: false, refusal: { reason: 'CANCELLED' } });
    await closed;
    expect(watched.units).toEqual([]);
  }, 5_000);
});
