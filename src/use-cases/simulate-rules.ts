import { type CompileRule, makeChecks } from '../domain/eligibility.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { RuleSet } from '../domain/rule-book.ts';
import { RuleSimulation, type SimulatedCase, type SimulationCounts } from '../domain/rule-simulation.ts';
import type { RulesDraft } from '../domain/rules-draft.ts';
import type { CaseFilter, PastCases } from '../ports/past-cases.ts';
import type { RulesReader } from '../ports/rules-reader.ts';
import type { StockReader } from '../ports.ts';
import { checkDraftWarehouses, readyDraft } from './ready-draft.ts';

/** Cases read and tried at a time: between two of them, everything else the process does has its turn. */
const CHUNK_SIZE = 100;

/** Examples of each kind of difference where nobody says how many. */
const EXAMPLES_DEFAULT = 10;

export interface SimulateRulesInput extends Omit<CaseFilter, 'about'> {
  readonly draft: RulesDraft;
  /** 0 means ten of each kind of difference. */
  readonly maxExamples: number;
  /** Cases to try; 0 means as many as there is time for. */
  readonly size: number;
  /** Where to go on; empty begins anew. */
  readonly token: string;
}

export interface SimulationResult {
  readonly counts: SimulationCounts;
  readonly examples: readonly SimulatedCase[];
  /** All cases, over all calls. */
  readonly total: number;
  /** Empty where every case was tried. */
  readonly nextToken: string;
}

export interface SimulateDeps {
  readonly cases: PastCases;
  readonly rules: RulesReader;
  readonly stock: Pick<StockReader, 'warehouses'>;
  readonly compileRule: CompileRule;
}

/**
 * Tries a draft on requests that were decided before. Changes nothing and locks nothing.
 * @param hasTime asked between two chunks; once it says no, the rest is left to another call
 * @throws InvalidPageToken, and the signal's reason where it is aborted
 */
export async function simulateRules(
  deps: SimulateDeps,
  input: SimulateRulesInput,
  signal: AbortSignal,
  hasTime: () => boolean,
): Promise<SimulationResult | Refusal> {
  const { draft, from, until, liveOnly } = input;
  const checks = readyDraft(draft, deps.compileRule);
  if ('reason' in checks) return checks;
  const warehouses = await deps.stock.warehouses();
  const unknown = checkDraftWarehouses(draft, (code) => warehouses.some((warehouse) => warehouse.code === code));
  if (unknown !== null) return unknown;
  // A draft has no version yet: what it refuses is told as refused by version 0.
  const set: RuleSet = { rules: { ...draft, version: 0, effectiveAt: draft.effectiveAt ?? 0 }, checks };
  const filter = { from, until, liveOnly, about: JSON.stringify(draft) };
  const walk = await deps.cases.walk(filter, input.token, draft.maxLivePerCustomer > 0);
  const pasts = new Map<number, RuleSet>();
  const simulation = new RuleSimulation(set, pasts, warehouses, input.maxExamples || EXAMPLES_DEFAULT);
  const size = input.size === 0 ? Number.POSITIVE_INFINITY : input.size;
  while (simulation.counts.checked < size && hasTime()) {
    signal.throwIfAborted();
    const cases = await walk.next(Math.min(CHUNK_SIZE, size - simulation.counts.checked));
    if (cases.length === 0) break;
    await readVersions(
      deps,
      pasts,
      cases.map((one) => one.ruleVersion),
    );
    for (const one of cases) simulation.try(one);
  }
  return { counts: simulation.counts, examples: simulation.examples, total: walk.total, nextToken: walk.token };
}

/** A version is read once for the whole simulation. */
async function readVersions(deps: SimulateDeps, pasts: Map<number, RuleSet>, versions: readonly number[]) {
  for (const version of new Set(versions)) {
    if (pasts.has(version)) continue;
    const rules = await deps.rules.version(BigInt(version));
    if (rules !== null) pasts.set(version, { rules, checks: makeChecks(rules, deps.compileRule) });
  }
}
