import { refuse } from '../domain/refusal.ts';
import type { Command, Outcome, SubmitOptions, UnitOfWork } from '../ports.ts';
import { type Answers, dropped, refuseEach, settle } from './group-answers.ts';
import type { UnitWatcher } from './unit-of-work.ts';
import { type Group, HeldKeys, keysOf, type Taken, WaitingLine } from './waiting-line.ts';

/** Commands waiting for a unit; beyond it callers are refused with OVERLOADED. */
export const QUEUE_COMMANDS_MAX = 4_096;

/** Units in flight at once: while one commits, the next is built. No two of them carry commands for the same rows. */
export const UNITS_IN_FLIGHT_MAX = 2;

/**
 * Commands that must wait, and need no row of the unit in flight, before a second unit starts beside it. Fewer do better
 * to wait for it: one unit of 64 costs much less than two of 32 (docs/decisions/0007).
 */
export const SECOND_UNIT_COMMANDS_MIN = 64;

/** A unit in flight for so long, in milliseconds, is waited for no more: the next starts beside it with what there is. */
export const SLOW_UNIT_MS = 50;

/**
 * Units beside those in flight that wait for rows somebody else holds: what others ask for must not wait with them.
 * With those in flight they stay below the connections of the process.
 */
export const UNITS_HELD_UP_MAX = 4;

/** Commands waiting or in flight from which on the process counts as busy. */
const BUSY_COMMANDS_MIN = 16;

const OVERLOADED_RETRY_AFTER_MS = 100;

type Run = (commands: readonly Command[], watcher: UnitWatcher) => Promise<Answers>;

/**
 * Gathers commands into units of work: while one unit commits the next gathers, and an idle service commits a single
 * command at once, without lingering. Principals take turns, so that one of them cannot starve the others.
 */
export class GroupCommit implements UnitOfWork {
  readonly #run: Run;
  readonly #line = new WaitingLine();
  readonly #held = new HeldKeys();
  #inFlight = 0;
  /** Units in flight that are not slow. */
  #quick = 0;
  #heldUp = 0;
  /** Commands in flight. */
  #carried = 0;
  /** How many waited when too few were found that need nothing of the units in flight. */
  #stuck = 0;
  #scheduled = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(run: Run) {
    this.#run = run;
  }

  /** Commands waiting for a unit. */
  get depth(): number {
    return this.#line.depth;
  }

  /** Whether so many calls come that the next unit will carry a good part of them. */
  get isBusy(): boolean {
    return this.#line.depth + this.#carried >= BUSY_COMMANDS_MIN;
  }

  submit(commands: readonly Command[], options: SubmitOptions): Promise<Outcome[]> {
    if (commands.length === 0) return Promise.resolve([]);
    if (this.#closed)
      return Promise.resolve(refuseEach(commands, refuse('DRAINING', 'the service is stopping', {}, 1_000)));
    if (options.signal?.aborted === true) return Promise.resolve(refuseEach(commands, dropped(options.signal)));
    if (this.#line.depth + commands.length > QUEUE_COMMANDS_MAX) {
      const refusal = refuse('OVERLOADED', 'too many calls are waiting', {}, OVERLOADED_RETRY_AFTER_MS);
      return Promise.resolve(refuseEach(commands, refusal));
    }
    return new Promise((resolve, reject) => {
      const { signal, lane } = options;
      const group: Group = {
        commands,
        lane,
        resolve,
        reject,
        signal,
        onAbort: () => this.#drop(group),
        waiting: commands.map((command) => ({ command, keys: keysOf(command) })),
        answers: new Map(),
      };
      signal?.addEventListener('abort', group.onAbort, { once: true });
      this.#line.add(group);
      this.#schedule();
    });
  }

  /** Takes no more commands and waits for those it has. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Waits for the end of the current turn of the event loop, so that what arrives together commits together. */
  #schedule(): void {
    if (this.#scheduled || !this.#mayStart()) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#start();
    });
  }

  #mayStart(): boolean {
    if (this.#inFlight >= UNITS_IN_FLIGHT_MAX) return false;
    const fresh = this.#line.depth - this.#stuck;
    return this.#quick === 0 ? fresh > 0 || this.#line.depth === 0 : fresh >= SECOND_UNIT_COMMANDS_MIN;
  }

  #start(): void {
    if (!this.#mayStart()) return;
    const isEnough = this.#quick === 0 || this.#line.hasFree(this.#held, SECOND_UNIT_COMMANDS_MIN);
    const taken = isEnough ? this.#line.take(this.#held) : [];
    if (taken.length === 0) {
      this.#stuck = this.#line.depth;
      this.#tellIdle();
      return;
    }
    this.#launch(taken);
    if (this.#line.depth > 0) this.#schedule();
  }

  #launch(taken: readonly Taken[]): void {
    this.#inFlight += 1;
    this.#quick += 1;
    let isQuick = true;
    const slow = () => {
      if (isQuick) this.#quick -= 1;
      isQuick = false;
      this.#stuck = 0;
      if (this.#line.depth > 0) this.#schedule();
    };
    const timer = setTimeout(slow, SLOW_UNIT_MS);
    const startedAt = performance.now();
    const carried = taken.reduce((sum, { commands }) => sum + commands.length, 0);
    this.#carried += carried;
    let isHeldUp = false;
    const heldUp = () => {
      if (isHeldUp || this.#heldUp >= UNITS_HELD_UP_MAX) return;
      isHeldUp = true;
      this.#heldUp += 1;
      this.#inFlight -= 1;
      slow();
    };
    void this.#runUnit(taken, heldUp).finally(() => {
      clearTimeout(timer);
      this.#line.learn(taken, performance.now() - startedAt);
      this.#carried -= carried;
      if (isQuick) this.#quick -= 1;
      if (isHeldUp) this.#heldUp -= 1;
      else this.#inFlight -= 1;
      this.#stuck = 0;
      if (this.#line.depth > 0) this.#schedule();
      else this.#tellIdle();
    });
  }

  #tellIdle(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #isIdle(): boolean {
    return this.#line.depth === 0 && this.#inFlight === 0 && this.#heldUp === 0;
  }

  async #runUnit(taken: readonly Taken[], heldUp: () => void): Promise<void> {
    const carried = new Map(
      taken.flatMap(({ group, commands }) => commands.map(({ command, keys }) => [command, { group, keys }] as const)),
    );
    for (const { keys } of carried.values()) this.#held.hold(keys);
    const answered = (command: Command, answer: Outcome | Error) => {
      const found = carried.get(command);
      if (found === undefined) return;
      carried.delete(command);
      this.#held.release(found.keys);
      this.#stuck = 0;
      answerOne(found.group, command, answer);
      if (this.#line.depth > 0) this.#schedule();
    };
    try {
      const answers = await this.#run([...carried.keys()], { answered, heldUp });
      for (const [command, answer] of answers) answered(command, answer);
      for (const command of [...carried.keys()])
        answered(command, new Error('a unit left a command without an answer'));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      for (const { group } of taken) group.reject(failure);
      for (const command of [...carried.keys()]) answered(command, failure);
    }
  }

  #drop(group: Group): void {
    const { signal } = group;
    if (signal === undefined) return;
    const refusal = dropped(signal);
    for (const { command } of this.#line.remove(group)) answerOne(group, command, { ok: false, refusal });
    this.#stuck = Math.min(this.#stuck, this.#line.depth);
  }
}

/** The last answer settles the group. */
function answerOne(group: Group, command: Command, answer: Outcome | Error): void {
  group.answers.set(command, answer);
  if (group.answers.size < group.commands.length) return;
  group.signal?.removeEventListener('abort', group.onAbort);
  settle(group, group.answers);
}
