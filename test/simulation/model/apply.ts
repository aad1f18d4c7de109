import { claimKeyOf, contentHashOf, type SimCommand } from '../commands.ts';
import { canonOfModel } from './canon.ts';
import { applyMilestone } from './milestone.ts';
import { applySwap, applyTransfer } from './move.ts';
import { serveQueues } from './queue.ts';
import { applyReserve } from './reserve.ts';
import { applyExtend, applyFulfil, applyRelease, applySweep, applyWarnings } from './resolve.ts';
import { applyRules } from './rules.ts';
import { settle } from './shortage.ts';
import { findTarget, freeDue, latestOf, type Model, type ModelOutcome } from './state.ts';
import { applyCounts, applyMove, levels } from './stock.ts';
import { applyCounted, applyPick } from './warehouse.ts';

/**
 * Decides one command and changes the model; a refusal changes nothing but what the clock has changed. What came free
 * goes to who lacks units, then to who waits for it, at once.
 * @param rank its position among all commands of the history
 */
export function applyCommand(model: Model, command: SimCommand, rank: number): ModelOutcome {
  model.rank = rank;
  freeDue(model);
  settle(model);
  const key = claimKeyOf(command);
  const known = key === '' ? undefined : model.claims.get(key);
  const hash = Buffer.from(contentHashOf(command)).toString('hex');
  if (known !== undefined) return replay(command, known.answer, known.hash === hash);
  let outcome = decide(model, command);
  // An abort past the deadline leaves what the clock may free at once.
  freeDue(model);
  if (!('refused' in outcome)) outcome = settled(model, command, outcome);
  serveQueues(model);
  outcome = withPresentLevels(model, command, outcome);
  if (key !== '' && !('refused' in outcome)) model.claims.set(key, { hash, answer: outcome });
  return outcome;
}

/** A reservation whose units went missing or came back in the same commit is answered with as it then is. */
function settled(model: Model, command: SimCommand, outcome: ModelOutcome): ModelOutcome {
  if (!settle(model) || !('reservation' in outcome) || outcome.reservation === null) return outcome;
  if (command.kind === 'reserve' && command.validateOnly) return outcome;
  const target = 'target' in command ? findTarget(model, command.target) : undefined;
  const found = target ?? (command.kind === 'reserve' ? latestOf(model, command.exchangeId) : undefined);
  return found === undefined ? outcome : { ...outcome, reservation: canonOfModel(found) };
}

function replay(command: SimCommand, answer: ModelOutcome, same: boolean): ModelOutcome {
  const fromWarehouse = command.kind === 'pick' || command.kind === 'counted';
  if (!same) return fromWarehouse ? { verdict: 'REJECTED REQUEST_ID_REUSED' } : { refused: 'REQUEST_ID_REUSED' };
  return fromWarehouse ? answer : { ...answer, replayed: true };
}

/** The numbers of a pool are told as they are once everybody has been served. */
function withPresentLevels(model: Model, command: SimCommand, outcome: ModelOutcome): ModelOutcome {
  if (!('levels' in outcome)) return outcome;
  if (command.kind === 'receive' || command.kind === 'adjust') return levels(model, command.changes);
  return command.kind === 'count' ? levels(model, command.counts) : outcome;
}

function decide(model: Model, command: SimCommand): ModelOutcome {
  switch (command.kind) {
    case 'reserve':
      return applyReserve(model, command);
    case 'release':
      return applyRelease(model, command);
    case 'fulfil':
      return applyFulfil(model, command);
    case 'extend':
      return applyExtend(model, command);
    case 'swap':
      return applySwap(model, command);
    case 'transfer':
      return applyTransfer(model, command);
    case 'milestone':
      return applyMilestone(model, command);
    case 'sweep':
      return applySweep(model, command.refs);
    case 'rules':
      return applyRules(model, command);
    case 'warn':
      return applyWarnings(model, command.refs);
    case 'receive':
    case 'adjust':
      return applyMove(model, command);
    case 'count': {
      const result = applyCounts(model, command.counts);
      return typeof result === 'string' ? { refused: result } : levels(model, command.counts);
    }
    case 'pick':
      return { verdict: applyPick(model, command) };
    case 'counted':
      return { verdict: applyCounted(model, command) };
  }
}
