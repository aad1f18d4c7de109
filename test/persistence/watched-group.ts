import { GroupCommit, UNITS_IN_FLIGHT_MAX } from '../../src/persistence/group-commit.ts';
import type { Command, Outcome, SubmitOptions } from '../../src/ports.ts';
import { plainCommand } from '../support/plain-command.ts';
import type { TestService } from '../support/test-service.ts';

export interface Watched {
  readonly group: GroupCommit;
  /** The commands of each unit, in the order the units began. */
  readonly units: (readonly Command[])[];
  submit(command: Command, lane?: SubmitOptions['lane'], signal?: AbortSignal): Promise<Outcome>;
  /** Lets units begin. */
  open(): void;
}

/** A queue before real units, which do not begin until it is opened. */
export function watchedGroup(run: TestService['run']): Watched {
  const units: (readonly Command[])[] = [];
  const gate = Promise.withResolvers<void>();
  const group = new GroupCommit(async (commands) => {
    units.push(commands);
    await gate.promise;
    return await run(commands);
  });
  const submit: Watched['submit'] = async (command, lane = 'caller', signal) => {
    const [outcome] = await group.submit([command], { lane, ...(signal === undefined ? {} : { signal }) });
    if (outcome === undefined) throw new TypeError('one command, one outcome');
    return outcome;
  };
  return { group, units, submit, open: gate.resolve };
}

/** Waits for a condition, turn by turn of the event loop; the test's own time is the limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Begins as many units as may be in flight; they wait for the gate. */
export async function fillFlight({ units, submit }: Watched): Promise<{ running: Promise<Outcome>[] }> {
  const running: Promise<Outcome>[] = [];
  while (units.length < UNITS_IN_FLIGHT_MAX) {
    const before = units.length;
    running.push(submit(plainCommand()));
    await until(() => units.length > before);
  }
  return { running };
}

export const DONE: Outcome = { ok: true, answer: { kind: 'swept', count: 1 }, replayed: false };
