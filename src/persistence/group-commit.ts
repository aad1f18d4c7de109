import { refuse } from '../domain/refusal.ts';
import type { Command, Outcome, SubmitOptions, UnitOfWork } from '../ports.ts';
import { type Answers, dropped, refuseEach, settle, type WaitingGroup } from './group-answers.ts';
import type { UnitWatcher } from './unit-of-work.ts';

/**
 * Commands gathered into one unit of work; a batch that is submitted as one may bring more, up to its own bound. Larger
 * units gain nothing and leave nothing to do while their callers take the answers.
 */
export const UNIT_COMMANDS_MAX = 128;

/** Request lines in one unit of work. */
export const UNIT_LINES_MAX = 1_000;

/** The share of a unit that sweeps and imports may take. */
const BACKGROUND_COMMANDS_MAX = UNIT_COMMANDS_MAX / 4;

/** Commands waiting for a unit; beyond it callers are refused with OVERLOADED. */
export const QUEUE_COMMANDS_MAX = 4_096;

/** Units in flight at once: while one commits, the next is built. More only wait for each other's row locks. */
export const UNITS_IN_FLIGHT_MAX = 2;

/**
 * Commands that must wait before a second unit starts beside one in flight. Fewer do better to wait for it: one unit of
 * 64 costs much less than two of 32, and two on one SKU follow each other anyway (docs/decisions/0007).
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

/** What a unit can still carry. */
interface Room {
  commands: number;
  lines: number;
}

/** What one caller submitted together. */
interface Group extends WaitingGroup {
  readonly lines: number;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
}

/**
 * Gathers commands into units of work: while one unit commits the next gathers, and an idle service commits a single
 * command at once, without lingering. Principals take turns, so that one of them cannot starve the others.
 */
export class GroupCommit implements UnitOfWork {
  readonly #run: Run;
  readonly #callers = new Map<string, Group[]>();
  readonly #background: Group[] = [];
  #queued = 0;
  #inFlight = 0;
  /** Units in flight that are not slow. */
  #quick = 0;
  #heldUp = 0;
  /** Commands in flight. */
  #carried = 0;
  #isBackgroundNext = false;
  #scheduled = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(run: Run) {
    this.#run = run;
  }

  /** Commands waiting for a unit. */
  get depth(): number {
    return this.#queued;
  }

  /** Whether so many calls come that the next unit will carry a good part of them. */
  get isBusy(): boolean {
    return this.#queued + this.#carried >= BUSY_COMMANDS_MIN;
  }

  submit(commands: readonly Command[], options: SubmitOptions): Promise<Outcome[]> {
    if (commands.length === 0) return Promise.resolve([]);
    if (this.#closed)
      return Promise.resolve(refuseEach(commands, refuse('DRAINING', 'the service is stopping', {}, 1_000)));
    if (options.signal?.aborted === true) return Promise.resolve(refuseEach(commands, dropped(options.signal)));
    if (this.#queued + commands.length > QUEUE_COMMANDS_MAX) {
      const refusal = refuse('OVERLOADED', 'too many calls are waiting', {}, OVERLOADED_RETRY_AFTER_MS);
      return Promise.resolve(refuseEach(commands, refusal));
    }
    return new Promise((resolve, reject) => {
      const { signal } = options;
      const group: Group = {
        commands,
        lines: commands.reduce((sum, command) => sum + command.lineCount, 0),
        resolve,
        reject,
        signal,
        onAbort: () => this.#drop(group, options.lane),
      };
      signal?.addEventListener('abort', group.onAbort, { once: true });
      this.#queueOf(group, options.lane).push(group);
      this.#queued += commands.length;
      this.#schedule();
    });
  }

  /** Takes no more commands and waits for those it has. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #queueOf(group: Group, lane: SubmitOptions['lane']): Group[] {
    if (lane === 'background') return this.#background;
    const principal = group.commands[0]?.caller.principal ?? '';
    const queue = this.#callers.get(principal) ?? [];
    this.#callers.set(principal, queue);
    return queue;
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
    return this.#quick === 0 || this.#queued >= SECOND_UNIT_COMMANDS_MIN;
  }

  #start(): void {
    if (!this.#mayStart()) return;
    const groups = this.#take();
    if (groups.length === 0) {
      this.#tellIdle();
      return;
    }
    this.#inFlight += 1;
    this.#quick += 1;
    let isQuick = true;
    const slow = () => {
      if (isQuick) this.#quick -= 1;
      isQuick = false;
      if (this.#queued > 0) this.#schedule();
    };
    const timer = setTimeout(slow, SLOW_UNIT_MS);
    const carried = groups.reduce((sum, group) => sum + group.commands.length, 0);
    this.#carried += carried;
    let isHeldUp = false;
    const heldUp = () => {
      if (isHeldUp || this.#heldUp >= UNITS_HELD_UP_MAX) return;
      isHeldUp = true;
      this.#heldUp += 1;
      this.#inFlight -= 1;
      slow();
    };
    void this.#runGroups(groups, heldUp).finally(() => {
      clearTimeout(timer);
      this.#carried -= carried;
      if (isQuick) this.#quick -= 1;
      if (isHeldUp) this.#heldUp -= 1;
      else this.#inFlight -= 1;
      if (this.#queued > 0) this.#schedule();
      else this.#tellIdle();
    });
    if (this.#queued > 0) this.#schedule();
  }

  #tellIdle(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #isIdle(): boolean {
    return this.#queued === 0 && this.#inFlight === 0 && this.#heldUp === 0;
  }

  async #runGroups(groups: readonly Group[], heldUp: () => void): Promise<void> {
    const early: Answers = new Map();
    const groupOf = new Map(groups.flatMap((group) => group.commands.map((command) => [command, group] as const)));
    const waitingFor = new Map(groups.map((group) => [group, new Set(group.commands)]));
    const answered = (command: Command, answer: Outcome | Error) => {
      const group = groupOf.get(command);
      if (group === undefined) return;
      early.set(command, answer);
      const waiting = waitingFor.get(group);
      if (waiting?.delete(command) === true && waiting.size === 0) settle(group, early);
    };
    try {
      const answers = await this.#run([...groupOf.keys()], { answered, heldUp });
      for (const group of groups) settle(group, answers);
    } catch (error) {
      for (const group of groups) group.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Callers, then background work; the other way round where the last unit had no room for what waited. */
  #take(): Group[] {
    const taken: Group[] = [];
    const room = { commands: UNIT_COMMANDS_MAX, lines: UNIT_LINES_MAX };
    const waitedBefore = this.#background.length;
    if (this.#isBackgroundNext) this.#takeBackground(room, taken);
    this.#takeCallers(room, taken);
    if (!this.#isBackgroundNext) this.#takeBackground(room, taken);
    this.#isBackgroundNext = waitedBefore > 0 && this.#background.length === waitedBefore;
    return taken;
  }

  /**
   * Principals in turn, one group each round, while the unit has room. Those that had a turn go behind the others, so
   * that a group too large for what is left of this unit is the first of the next.
   */
  #takeCallers(room: Room, taken: Group[]): void {
    const served = new Set<string>();
    let progress = true;
    while (progress && room.commands > 0) {
      progress = false;
      for (const [principal, queue] of this.#callers) {
        if (!this.#takeFrom(queue, room, taken)) continue;
        progress = true;
        served.add(principal);
      }
    }
    for (const [principal, queue] of [...this.#callers]) {
      if (queue.length > 0 && !served.has(principal)) continue;
      this.#callers.delete(principal);
      if (queue.length > 0) this.#callers.set(principal, queue);
    }
  }

  #takeBackground(room: Room, taken: Group[]): void {
    const share = {
      commands: Math.min(room.commands, BACKGROUND_COMMANDS_MAX),
      lines: Math.min(room.lines, UNIT_LINES_MAX / 4),
    };
    const { commands, lines } = share;
    let more = true;
    while (more) more = this.#takeFrom(this.#background, share, taken);
    room.commands -= commands - share.commands;
    room.lines -= lines - share.lines;
  }

  #takeFrom(queue: Group[], room: Room, taken: Group[]): boolean {
    const group = queue[0];
    if (group === undefined) return false;
    const fits = group.commands.length <= room.commands && group.lines <= room.lines;
    if (!fits && taken.length > 0) return false;
    queue.shift();
    group.signal?.removeEventListener('abort', group.onAbort);
    this.#queued -= group.commands.length;
    room.commands -= group.commands.length;
    room.lines -= group.lines;
    taken.push(group);
    return true;
  }

  #drop(group: Group, lane: SubmitOptions['lane']): void {
    const queue = this.#queueOf(group, lane);
    const at = queue.indexOf(group);
    if (at < 0 || group.signal === undefined) return;
    queue.splice(at, 1);
    this.#queued -= group.commands.length;
    group.resolve(refuseEach(group.commands, dropped(group.signal)));
  }
}
