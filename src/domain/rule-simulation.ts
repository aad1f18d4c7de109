import { answerBy, type PastCase, type RuleAnswer } from './past-case.ts';
import type { Refusal } from './refusal.ts';
import type { RuleSet } from './rule-book.ts';
import type { Placement, Warehouse } from './sourcing.ts';

/** How many cases a draft decides how. */
export interface SimulationCounts {
  readonly checked: number;
  readonly accepted: number;
  readonly refused: number;
  /** Of which nobody knows whether they would be accepted. */
  readonly undecided: number;
  readonly newlyAccepted: number;
  readonly newlyRefused: number;
  readonly sourcedOtherwise: number;
  readonly timedOtherwise: number;
  /** Accepted, but from where nobody knows. */
  readonly sourcingUnknown: number;
}

/** A case that a draft decides otherwise. */
export interface SimulatedCase {
  readonly trackingId: string;
  readonly exchangeId: string;
  /** One readable sentence each. */
  readonly differences: readonly string[];
  /** Why the draft refuses what was accepted; null where it does not. */
  readonly refusal: Refusal | null;
}

type Difference = Exclude<keyof SimulationCounts, 'checked' | 'accepted' | 'refused'>;

/** What can be said of one case beside whether it is accepted. */
type Sentence = readonly [kind: Difference, sentence: string];

/** Tries a draft on cases one after another and counts what comes out otherwise than it did. */
export class RuleSimulation {
  readonly examples: SimulatedCase[] = [];
  readonly #draft: RuleSet;
  readonly #pasts: ReadonlyMap<number, RuleSet>;
  readonly #warehouses: readonly Warehouse[];
  readonly #examplesMax: number;
  readonly #counts: Record<keyof SimulationCounts, number> = {
    checked: 0,
    accepted: 0,
    refused: 0,
    undecided: 0,
    newlyAccepted: 0,
    newlyRefused: 0,
    sourcedOtherwise: 0,
    timedOtherwise: 0,
    sourcingUnknown: 0,
  };
  readonly #shown = new Map<Difference, number>();

  /**
   * @param pasts the versions by which cases were decided, each known before a case of it is tried
   * @param examplesMax examples kept of each kind of difference
   */
  constructor(
    draft: RuleSet,
    pasts: ReadonlyMap<number, RuleSet>,
    warehouses: readonly Warehouse[],
    examplesMax: number,
  ) {
    this.#draft = draft;
    this.#pasts = pasts;
    this.#warehouses = warehouses;
    this.#examplesMax = examplesMax;
  }

  get counts(): SimulationCounts {
    return this.#counts;
  }

  try(past: PastCase): void {
    const set = this.#pasts.get(past.ruleVersion) ?? null;
    const answer = answerBy(this.#draft, past, set?.rules ?? null, this.#warehouses);
    this.#counts.checked += 1;
    if (answer.kind !== 'unknown') this.#counts[answer.kind] += 1;
    const sentences = this.#compare(past, answer, set);
    for (const [kind] of sentences) this.#counts[kind] += 1;
    this.#show(past, answer, sentences);
  }

  #compare(past: PastCase, answer: RuleAnswer, set: RuleSet | null): Sentence[] {
    const { was } = past;
    if (answer.kind === 'unknown') return [['undecided', `cannot be told: ${answer.missing}`]];
    if (answer.kind === 'refused') {
      return was.accepted ? [['newlyRefused', `was accepted, would be refused as ${nameOf(answer.refusal)}`]] : [];
    }
    if (!was.accepted) return [['newlyAccepted', `was refused as ${nameOf(was.refusal)}, would be accepted`]];
    const today = (): RuleAnswer | null => (set === null ? null : answerBy(set, past, set.rules, this.#warehouses));
    return [...compareSources(answer.placements, was.placements, today), ...compareDeadlines(answer, was, today)];
  }

  /** A case is shown as long as one of its differences was not shown often enough. */
  #show(past: PastCase, answer: RuleAnswer, sentences: readonly Sentence[]): void {
    const isNew = sentences.some(([kind]) => (this.#shown.get(kind) ?? 0) < this.#examplesMax);
    if (!isNew) return;
    for (const [kind] of sentences) this.#shown.set(kind, (this.#shown.get(kind) ?? 0) + 1);
    this.examples.push({
      trackingId: past.trackingId,
      exchangeId: past.exchangeId,
      differences: sentences.map(([, sentence]) => sentence),
      refusal: answer.kind === 'refused' ? answer.refusal : null,
    });
  }
}

/**
 * Where the rules of the time would choose otherwise today, since warehouses were changed, the draft is held against what
 * they would choose: the difference is none of the draft's.
 * @param today what the rules of the time would answer, null where they are unknown
 */
function compareSources(
  placements: readonly Placement[] | null,
  were: readonly Placement[],
  today: () => RuleAnswer | null,
): Sentence[] {
  if (placements === null) return [['sourcingUnknown', 'would come from elsewhere, perhaps: not all is known']];
  if (isSame(placements, were)) return [];
  const before = today();
  const places = before?.kind === 'accepted' ? before.placements : null;
  if (places !== null && isSame(placements, places)) return [];
  return [['sourcedOtherwise', `would come from ${placesOf(placements)} instead of ${placesOf(were)}`]];
}

/** Other warehouses may let wait what did not, or not wait what did: that is none of the draft's doing either. */
function compareDeadlines(
  { expireAt }: { readonly expireAt: number | null },
  { expireAt: was }: { readonly expireAt: number },
  today: () => RuleAnswer | null,
): Sentence[] {
  if (expireAt === null || expireAt === was) return [];
  const before = today();
  if (before?.kind === 'accepted' && before.expireAt === expireAt) return [];
  const sentence = `would be held until ${new Date(expireAt).toISOString()} instead of ${new Date(was).toISOString()}`;
  return [['timedOtherwise', sentence]];
}

function nameOf({ reason, metadata }: Refusal): string {
  const what = metadata.rule ?? metadata.limit;
  return what === undefined ? reason : `${reason} by ${what}`;
}

function isSame(placements: readonly Placement[], others: readonly Placement[]): boolean {
  return placesOf(placements) === placesOf(others);
}

/** In one order, since a reservation does not keep the one in which its warehouses were chosen. */
function placesOf(placements: readonly Placement[]): string {
  const places = placements.map(({ lineNumber, sku, substitutedFor, warehouse, quantity }) => {
    const item = substitutedFor === undefined ? '' : ` of ${sku} for ${substitutedFor}`;
    return `${warehouse} (line ${lineNumber}: ${quantity}${item})`;
  });
  return places.length === 0 ? 'nowhere' : places.sort().join(', ');
}
