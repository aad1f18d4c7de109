import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SeededRandom } from '../simulation/random.ts';
import {
  findComplaints,
  findDoubled,
  findDrift,
  findEarlyExpiries,
  findForgotten,
  findLost,
  findMiscounted,
  findOversold,
} from './checks.ts';
import { findEventFaults } from './event-check.ts';
import { type Fault, inject } from './faults.ts';
import { History } from './history.ts';
import { openRpcClient } from './rpc-client.ts';
import { connectPlainly, waitForWarehouse } from './warehouse-check.ts';
import { startWorkload } from './workload.ts';
import { startWorld, type World } from './world.ts';

const CALLERS = 12;
const CALM_MIN_MS = 800;
const CALM_MAX_MS = 1_800;
const FIRST_SUCCESS_DEADLINE_MS = 20_000;
const POLL_MS = 20;

export interface FaultReport {
  readonly fault: Fault;
  /** From the fault until all processes were up again. */
  readonly mendedInMs: number;
  /** From the fault until the first success of a call that began after it. */
  readonly servingInMs: number;
}

export interface RoundReport {
  readonly seed: number;
  readonly faults: readonly FaultReport[];
  readonly calls: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** Attempts of which nobody knew whether they took effect; each was repeated until answered. */
  readonly unknownAttempts: number;
  readonly unknownCallsResolved: number;
  readonly lost: number;
  readonly drift: number;
  /** From the last answer until the warehouse's picture and the last values equalled the database. */
  readonly warehouseAgreedInMs: number;
  /** Everything that must not be; empty where all held. */
  readonly violations: readonly string[];
  /** What the callers did and saw, as JSON lines. */
  readonly history: string;
}

/** One world under load, the faults one after the other, then peace and every check. */
export async function runRound(seed: number, faults: readonly Fault[]): Promise<RoundReport> {
  const random = new SeededRandom(seed);
  const history = new History();
  const world = await startWorld();
  let report: Omit<RoundReport, 'violations'> & { violations: string[] };
  try {
    const faultReports = await runUnderLoad(world, faults, random, { seed, history });
    report = {
      ...(await judge(world, history, faults.includes('wipe-nats'))),
      ...countsOf(history),
      seed,
      faults: faultReports,
    };
  } catch (error) {
    await world.stop();
    throw error;
  }
  const left = await world.stop();
  const violations = [...report.violations, ...left.map((pid) => `process ${pid} did not end`)];
  return { ...report, violations };
}

async function runUnderLoad(
  world: World,
  faults: readonly Fault[],
  random: SeededRandom,
  load: { readonly seed: number; readonly history: History },
): Promise<FaultReport[]> {
  const workload = startWorkload({ ...load, targets: world.targets, callers: CALLERS });
  const reports: FaultReport[] = [];
  try {
    for (const fault of faults) {
      await sleep(random.int(CALM_MIN_MS, CALM_MAX_MS));
      const brokenAt = Date.now();
      await inject(world, fault, random);
      const mendedInMs = Date.now() - brokenAt;
      reports.push({ fault, mendedInMs, servingInMs: await waitForSuccess(load.history, brokenAt) });
    }
    await sleep(random.int(CALM_MIN_MS, CALM_MAX_MS));
  } finally {
    await workload.stop();
  }
  return reports;
}

async function waitForSuccess(history: History, brokenAt: number): Promise<number> {
  const deadline = performance.now() + FIRST_SUCCESS_DEADLINE_MS;
  for (;;) {
    const servedAt = history.firstSuccessSince(brokenAt);
    if (servedAt !== null) return servedAt - brokenAt;
    if (performance.now() > deadline) throw new Error('no call succeeds after the fault was mended');
    await sleep(POLL_MS);
  }
}

async function judge(world: World, history: History, isWiped: boolean) {
  const database = new pg.Client({ connectionString: world.databaseUrl });
  await database.connect();
  const nats = await connectPlainly(world.natsUrl);
  const client = openRpcClient(world.targets[0] ?? '');
  try {
    const agreed = await waitForWarehouse(database, nats, isWiped);
    const lost = [...(await findLost(client, history)), ...(await findForgotten(client, history))];
    const drift = await findDrift(client);
    const violations = [
      ...agreed.differences,
      ...lost,
      ...drift,
      ...(isWiped ? [] : await findEventFaults(database, nats)),
      ...(await findDoubled(database, history)),
      ...findOversold(history),
      ...(await findMiscounted(database)),
      ...(await findEarlyExpiries(database)),
      ...findComplaints(history, world.serviceLogs()),
    ];
    return { lost: lost.length, drift: drift.length, warehouseAgreedInMs: agreed.tookMs, violations };
  } finally {
    client.close();
    await nats.close();
    await database.end();
  }
}

function countsOf(history: History) {
  const { calls } = history;
  const unknown = calls.filter((call) => call.unknown > 0);
  return {
    calls: calls.length,
    acknowledged: calls.filter((call) => call.outcome === 'ok').length,
    refused: calls.filter((call) => call.outcome === 'refused').length,
    unknownAttempts: unknown.reduce((sum, call) => sum + call.unknown, 0),
    unknownCallsResolved: unknown.filter((call) => call.outcome !== 'pending').length,
    history: history.toJsonLines(),
  };
}
