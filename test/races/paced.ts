import { setTimeout as pause } from 'node:timers/promises';
import type { Engine } from '../../src/persistence/engine.ts';
import { SYSTEM_IDS } from '../../src/runtime.ts';
import { callService } from '../simulation/execute.ts';
import { answerOf } from './answer.ts';
import { reservation } from './track.ts';

/**
 * Reserves one unit of a SKU at a steady rate, whether or not the earlier calls have been answered: who waits for an
 * answer before the next call does not see how long others had to wait.
 * @returns how long each call took from the instant it was to be made, in milliseconds
 * @throws Error where one is refused
 */
export async function runPaced(
  engine: Engine,
  job: { readonly sku: string; readonly perSecond: number; readonly seconds: number },
): Promise<number[]> {
  const startedAt = performance.now();
  const calls = Array.from({ length: job.perSecond * job.seconds }, async (_, at) => {
    const dueAt = startedAt + (at * 1_000) / job.perSecond;
    await pause(dueAt - performance.now());
    const call = reservation([{ sku: job.sku }]);
    const answer = await answerOf(callService(engine, { known: new Map(), ids: SYSTEM_IDS, firstRules: 1 }, call));
    if (!answer.ok) throw new Error(`not reserved: ${answer.reason}`);
    return performance.now() - dueAt;
  });
  return await Promise.all(calls);
}
