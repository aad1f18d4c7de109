import { createInterface } from 'node:readline';
import type { Engine } from '../../src/persistence/engine.ts';
import { pause, SYSTEM_IDS, systemRandom } from '../../src/runtime.ts';
import { expireDue } from '../../src/use-cases/expire-due.ts';
import { startExpiry } from '../../src/workers/expiry.ts';
import type { Loop } from '../../src/workers/loop.ts';
import { type CallCommand, callService } from '../simulation/execute.ts';
import { openTestEngine } from '../support/engine.ts';
import { answerOf } from './answer.ts';
import { runMix } from './mix.ts';
import { runPaced } from './paced.ts';
import type { CallAnswer, Job, JobAnswer } from './protocol.ts';

const SWEEP_MAX = 500;
const SWEEP_DEADLINE_MS = 10_000;

/** A process of its own with an engine of its own: does the jobs that come on standard input, side by side. */
async function main(databaseUrl: string): Promise<void> {
  const unitFailures: string[] = [];
  const engine = await openTestEngine(databaseUrl, {
    ids: SYSTEM_IDS,
    random: systemRandom,
    onUnitFailure: (failure) => unitFailures.push(failure),
  });
  await engine.ping();
  const worker: { expiry?: Loop } = {};
  const answer = (message: JobAnswer) => process.stdout.write(`${JSON.stringify(message)}\n`);
  const run = async (job: Job): Promise<JobAnswer> => {
    const { jobId } = job;
    switch (job.job) {
      case 'calls':
        return { jobId, answers: await runCalls(engine, job.calls, job.inFlight) };
      case 'mix':
        return { jobId, mix: await runMix(engine, SYSTEM_IDS, job, unitFailures) };
      case 'paced':
        return { jobId, latenciesMs: await runPaced(engine, job) };
      case 'sweep': {
        const due = [
          ...(await engine.due.dueReservations(SWEEP_MAX)),
          ...(await engine.due.overdueReservations(SWEEP_MAX)),
        ];
        const ids = due.map((one) => one.reservationId);
        await expireDue(engine, ids, AbortSignal.timeout(SWEEP_DEADLINE_MS));
        return { jobId, done: true };
      }
      case 'start-expiry':
        worker.expiry ??= startExpiry({
          due: engine.due,
          unitOfWork: engine.unitOfWork,
          pause,
          random: systemRandom,
          onSwept: () => undefined,
          onFailure: (error) => unitFailures.push(String(error)),
        });
        return { jobId, done: true };
      case 'stop-expiry':
        await worker.expiry?.stop();
        delete worker.expiry;
        return { jobId, done: true };
    }
  };
  answer({ jobId: 0, done: true });
  const running = new Set<Promise<void>>();
  for await (const line of createInterface({ input: process.stdin })) {
    const job = run(JSON.parse(line) as Job).then((message) => void answer(message));
    running.add(job);
    void job.finally(() => running.delete(job));
  }
  await worker.expiry?.stop();
  await Promise.all(running);
  await engine.close();
}

/** Keeps `inFlight` calls under way until all have been answered; answers in the order of the calls. */
async function runCalls(engine: Engine, calls: readonly CallCommand[], inFlight: number): Promise<CallAnswer[]> {
  const answers: CallAnswer[] = [];
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < calls.length; at = next++) {
      const command = calls[at] as CallCommand;
      answers[at] = await answerOf(callService(engine, { known: new Map(), ids: SYSTEM_IDS, firstRules: 1 }, command));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return answers;
}

await main(process.argv[2] ?? '');
