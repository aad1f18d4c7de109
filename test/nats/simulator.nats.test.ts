import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { pictureSubject } from '../../adapters/nats/subjects.ts';
import type { PictureState } from '../../adapters/wms-simulator/picture.ts';
import { type SimulatorOptions, type SimulatorProcess, startSimulator } from '../../adapters/wms-simulator/spawn.ts';
import { startTestNats } from '../support/nats.ts';
import { eventually, type NatsSide, openNatsSide } from '../support/nats-side.ts';
import { poolRow, releasedOf, reservationOf, reservationRow, warehouseOf } from '../support/outbox-rows.ts';

const SPAWN_MODULE = new URL('../../adapters/wms-simulator/spawn.ts', import.meta.url).href;
const NEVER = new AbortController().signal;
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const QUICK = { startDelayMs: 10, pickDelayMs: 10, shipDelayMs: 10, rate: 1, execArgv: [] };
const SLOW = { ...QUICK, startDelayMs: 600_000 };

let server: EmbeddedServer;
let side: NatsSide;
let directory: string;
let simulators: SimulatorProcess[] = [];
let wms = '';
let run = 0;

beforeAll(async () => {
  server = await startTestNats();
});
afterAll(() => server.stop());
beforeEach(async () => {
  run += 1;
  wms = `sim-${run}`;
  directory = mkdtempSync(join(tmpdir(), 'earmark-simulator-'));
  side = await openNatsSide(server, [warehouseOf('BER', wms)]);
});
afterEach(async () => {
  await Promise.all(simulators.map((simulator) => simulator.stop()));
  simulators = [];
  await side.close();
  rmSync(directory, { recursive: true, force: true });
});

async function simulate(more: Partial<SimulatorOptions> = {}): Promise<SimulatorProcess> {
  const simulator = await startSimulator({ ...QUICK, natsUrl: server.url, wms, dataDir: directory, ...more });
  simulators.push(simulator);
  return simulator;
}

async function picture(): Promise<Pick<PictureState, 'pools' | 'reservations' | 'picks'> | null> {
  const reply = await side.connection.request(pictureSubject(wms), '', { timeout: 1_000 }).catch(() => null);
  return reply?.json() ?? null;
}

/** The events of the answers about one reservation, in the order they were stored. */
async function answers(trackingId: string): Promise<string[]> {
  const stored = await side.messages(`EARMARK_IN_${wms}`);
  return stored
    .filter((message) => message.json<{ trackingId?: string }>().trackingId === trackingId)
    .map((message) => message.subject.split('.')[4] ?? '');
}

const reserve = (trackingId: string) =>
  side.publisher.publish([reservationRow(reservationOf(trackingId), 'reserved', null, TRACEPARENT)], 1n, NEVER);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a simulated warehouse', () => {
  it('picks and ships what it is asked for, in the trace of the request', async () => {
    await simulate();
    await reserve('EM-1');
    await eventually('the shipment', async () => (await answers('EM-1')).includes('shipment-confirmed'));
    expect(await answers('EM-1')).toEqual(['pick-started', 'pick-confirmed', 'shipment-confirmed']);
    const stored = await side.messages(`EARMARK_IN_${wms}`);
    for (const message of stored) {
      expect(message.header.get('traceparent')).toContain('0af7651916cd43dd8448eb211c80319c');
      expect(message.json()).toMatchObject({ warehouse: 'BER', messageId: message.header.get('ce-id') });
    }
  });

  it('keeps its own picture of stock, also over a restart and what happened meanwhile', async () => {
    const first = await simulate(SLOW);
    await side.publisher.publish([poolRow('SHOE-1', 3), poolRow('SHOE-2', 1)], 1n, NEVER);
    await reserve('EM-2');
    await eventually('the picture', async () => {
      const seen = await picture();
      return seen?.pools['BER/SHOE-1']?.version === 3 && Object.keys(seen.picks).length === 1;
    });
    await first.stop();
    await side.publisher.publish([poolRow('SHOE-1', 4)], 1n, NEVER);
    await simulate(SLOW);
    const after = await eventually('the newer picture', async () => {
      const seen = await picture();
      return seen?.pools['BER/SHOE-1']?.version === 4 && seen;
    });
    expect(after.pools['BER/SHOE-1']).toMatchObject({ reserved: 4, onHand: 10 });
    expect(after.pools['BER/SHOE-2']).toMatchObject({ reserved: 1, version: 1 });
    expect(after.reservations['BER/EM-2']).toMatchObject({ isHeld: true, version: 1 });
    expect(Object.values(after.picks)).toMatchObject([{ trackingId: 'EM-2' }]);
  });

  it('stops a pick that is called off', async () => {
    await simulate(SLOW);
    const reserved = reservationOf('EM-3');
    await side.publisher.publish([reservationRow(reserved, 'reserved')], 1n, NEVER);
    await eventually('the pick', async () => Object.keys((await picture())?.picks ?? {}).length === 1);
    await side.publisher.publish([reservationRow(releasedOf(reserved), 'released', reserved)], 1n, NEVER);
    await eventually('its end', async () => {
      const seen = await picture();
      return seen !== null && Object.keys(seen.picks).length === 0 && seen.reservations['BER/EM-3']?.isHeld === false;
    });
    expect(await answers('EM-3')).toEqual([]);
  });

  it('can do wrong: duplicate, disorder, short', async () => {
    await simulate({ misbehaviours: ['duplicate', 'disorder', 'short'] });
    await reserve('EM-4');
    await eventually('all answers', async () => (await answers('EM-4')).length === 8);
    const events = await answers('EM-4');
    expect(events.indexOf('shipment-confirmed')).toBeLessThan(events.indexOf('pick-confirmed'));
    expect(events.filter((event) => event === 'pick-shorted')).toHaveLength(2);
  });

  it('is silent when told to be', async () => {
    await simulate({ misbehaviours: ['silent'] });
    await reserve('EM-5');
    const [pick] = await eventually('the pick', async () => {
      const picks = Object.values((await picture())?.picks ?? {});
      return picks.length === 1 && picks;
    });
    expect(pick).toMatchObject({ trackingId: 'EM-5', answers: [] });
  });

  it('ends cleanly when it is asked to', async () => {
    const simulator = await simulate();
    await eventually('the picture', picture);
    await simulator.stop();
    expect(isRunning(simulator.pid)).toBe(false);
  });

  it('ends when the process that started it is killed', async () => {
    const options = { ...QUICK, natsUrl: server.url, wms, dataDir: directory };
    const program = `
      import { startSimulator } from ${JSON.stringify(SPAWN_MODULE)};
      const { pid } = await startSimulator(${JSON.stringify(options)});
      process.stdout.write(String(pid));
      setInterval(() => undefined, 1_000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program]);
    const [output] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(output.toString());
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    await eventually('the end of the simulator', async () => !isRunning(pid));
  });
});
