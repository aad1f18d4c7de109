import { orderLineKey } from '../domain/eligibility.ts';
import type { Command, SubmitOptions } from '../ports.ts';
import { BackgroundShare } from './background-share.ts';
import type { Answers, WaitingGroup } from './group-answers.ts';

/**
 * Commands gathered into one unit of work; a batch that is submitted as one may bring more, up to its own bound. Larger
 * units gain nothing and leave nothing to do while their callers take the answers.
 */
export const UNIT_COMMANDS_MAX = 128;

/** Request lines in one unit of work. */
const UNIT_LINES_MAX = 1_000;

/** The share of a unit that sweeps and imports may take; of time they may take what {@link BackgroundShare} says. */
const BACKGROUND_COMMANDS_MAX = UNIT_COMMANDS_MAX / 4;
const BACKGROUND_LINES_MAX = UNIT_LINES_MAX / 4;

/** Commands looked at for one unit: where most of them wait for the rows of a unit in flight, the rest must wait too. */
const LOOKED_AT_MAX = 1_024;

/** A command with what it locks. */
export interface Waiting {
  readonly command: Command;
  readonly keys: readonly string[];
}

/** What one caller submitted together. */
export interface Group extends WaitingGroup {
  readonly lane: SubmitOptions['lane'];
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
  /** Those of its commands that no unit carries yet, in order. */
  waiting: readonly Waiting[];
  readonly answers: Answers;
}

/** What a unit takes of one group. */
export interface Taken {
  readonly group: Group;
  readonly commands: readonly Waiting[];
}

/** The rows that units in flight have locked, by the names commands give them. */
export class HeldKeys {
  readonly #counts = new Map<string, number>();

  has(key: string): boolean {
    return this.#counts.has(key);
  }

  hold(keys: readonly string[]): void {
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  release(keys: readonly string[]): void {
    for (const key of keys) {
      const count = (this.#counts.get(key) ?? 0) - 1;
      if (count > 0) this.#counts.set(key, count);
      else this.#counts.delete(key);
    }
  }
}

/**
 * Names of the rows a command locks, as far as it can tell before reading. Whom it does not name it may still meet: then
 * the database makes it wait.
 */
export function keysOf({ needs }: Command): string[] {
  return [
    ...needs.skus.map((sku) => `sku ${sku}`),
    ...needs.exchanges.map(({ exchangeId }) => `exchange ${exchangeId}`),
    ...needs.orderLines.map(({ orderId, orderLineId }) => `order line ${orderLineKey(orderId, orderLineId)}`),
    ...needs.targets.map(({ by, id }) => `${by} ${id}`),
    ...needs.notifications.map((id) => `notification ${id}`),
  ];
}

/** What a unit can still carry. */
interface Room {
  commands: number;
  lines: number;
}

/** One walk along the line, for one unit. */
interface Walk {
  readonly held: HeldKeys;
  /** Keys of the commands left behind: nothing that needs one of them may overtake. */
  readonly left: Set<string>;
  readonly taken: Taken[];
  /** Where to go on in each queue. */
  readonly at: Map<Group[], number>;
  looks: number;
}

/**
 * Commands that wait for a unit. Principals take turns, so that one of them cannot starve the others. What a unit in
 * flight has locked is passed over, since a unit that carried it would only wait for that other unit's commit.
 */
export class WaitingLine {
  readonly #callers = new Map<string, Group[]>();
  readonly #background: Group[] = [];
  readonly #share = new BackgroundShare(BACKGROUND_LINES_MAX);
  #isBackgroundNext = false;
  #depth = 0;

  /** How many commands wait. */
  get depth(): number {
    return this.#depth;
  }

  add(group: Group): void {
    this.#queueOf(group).push(group);
    this.#depth += group.waiting.length;
  }

  /** Takes back what no unit carries yet. */
  remove(group: Group): readonly Waiting[] {
    const queue = this.#queueOf(group);
    const at = queue.indexOf(group);
    if (at < 0) return [];
    queue.splice(at, 1);
    const { waiting } = group;
    group.waiting = [];
    this.#depth -= waiting.length;
    return waiting;
  }

  /** Whether at least so many commands need none of the held keys. */
  hasFree(held: HeldKeys, enough: number): boolean {
    const walk = startWalk(held);
    let free = 0;
    for (const queue of [...this.#callers.values(), this.#background]) {
      for (const group of queue) {
        if (free >= enough || walk.looks <= 0) return free >= enough;
        free += split(group, walk).free.length;
      }
    }
    return free >= enough;
  }

  /** Callers, then background work; the other way round where the last unit had no room for what waited. */
  take(held: HeldKeys): Taken[] {
    const walk = startWalk(held);
    const room = { commands: UNIT_COMMANDS_MAX, lines: UNIT_LINES_MAX };
    const waitedBefore = this.#background.length;
    if (this.#isBackgroundNext) this.#takeBackground(room, walk);
    this.#takeCallers(room, walk);
    if (!this.#isBackgroundNext) this.#takeBackground(room, walk);
    this.#isBackgroundNext = waitedBefore > 0 && this.#background.length === waitedBefore;
    return walk.taken;
  }

  /** Takes in how long a unit took, so that background work makes no unit long. */
  learn(taken: readonly Taken[], durationMs: number): void {
    if (!taken.some(({ group }) => group.lane === 'background')) return;
    const lines = taken.flatMap(({ commands }) => commands).reduce((sum, { command }) => sum + command.lineCount, 0);
    this.#share.learn(lines, durationMs);
  }

  #queueOf(group: Group): Group[] {
    if (group.lane === 'background') return this.#background;
    const principal = group.commands[0]?.caller.principal ?? '';
    const queue = this.#callers.get(principal) ?? [];
    this.#callers.set(principal, queue);
    return queue;
  }

  /**
   * Principals in turn, one group each round, while the unit has room. Those that had a turn go behind the others, so
   * that a group too large for what is left of this unit is the first of the next.
   */
  #takeCallers(room: Room, walk: Walk): void {
    const served = new Set<string>();
    let progress = true;
    while (progress && room.commands > 0) {
      progress = false;
      for (const [principal, queue] of this.#callers) {
        if (!this.#takeFrom(queue, room, walk)) continue;
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

  #takeBackground(room: Room, walk: Walk): void {
    const share = {
      commands: Math.min(room.commands, BACKGROUND_COMMANDS_MAX),
      lines: Math.min(room.lines, this.#share.lines),
    };
    const { commands, lines } = share;
    let more = true;
    while (more) more = this.#takeFrom(this.#background, share, walk);
    room.commands -= commands - share.commands;
    room.lines -= lines - share.lines;
  }

  /** Takes the next group, or what of it needs no held key; false where there is none or no room for it. */
  #takeFrom(queue: Group[], room: Room, walk: Walk): boolean {
    for (let at = walk.at.get(queue) ?? 0; at < queue.length && walk.looks > 0; at += 1) {
      const group = queue[at];
      if (group === undefined) break;
      const { free, rest } = split(group, walk);
      if (free.length === 0) continue;
      const lines = free.reduce((sum, { command }) => sum + command.lineCount, 0);
      if ((free.length > room.commands || lines > room.lines) && walk.taken.length > 0) break;
      group.waiting = rest;
      if (rest.length === 0) queue.splice(at, 1);
      walk.at.set(queue, rest.length === 0 ? at : at + 1);
      walk.taken.push({ group, commands: free });
      this.#depth -= free.length;
      room.commands -= free.length;
      room.lines -= lines;
      return true;
    }
    walk.at.set(queue, Number.POSITIVE_INFINITY);
    return false;
  }
}

function startWalk(held: HeldKeys): Walk {
  return { held, left: new Set(), taken: [], at: new Map(), looks: LOOKED_AT_MAX };
}

/** What of a group may go now; the keys of the rest keep later commands behind it. */
function split(group: Group, walk: Walk): { readonly free: readonly Waiting[]; readonly rest: readonly Waiting[] } {
  walk.looks -= group.waiting.length;
  const free: Waiting[] = [];
  const rest: Waiting[] = [];
  for (const waiting of group.waiting) {
    if (waiting.keys.some((key) => walk.held.has(key) || walk.left.has(key))) {
      for (const key of waiting.keys) walk.left.add(key);
      rest.push(waiting);
    } else free.push(waiting);
  }
  return { free, rest };
}
