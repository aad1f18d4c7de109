import type { CelFunc, parse } from '@bufbuild/cel';
import { FUNCTIONS, resultOf, TYPE_NAMES, VARIABLES } from './environment.ts';
import {
  areComparable,
  BOOL,
  DYN,
  isOpen,
  isScalar,
  isTaken,
  join,
  NOTHING,
  nameOf,
  type Shape,
  STRING,
  scalar,
} from './shapes.ts';

type Expression = NonNullable<ReturnType<typeof parse>['expr']>;
type Of<Case extends Expression['exprKind']['case']> = Extract<Expression['exprKind'], { case: Case }>['value'];
type Call = Of<'callExpr'>;
type Comprehension = Of<'comprehensionExpr'>;

/** What one pass over an expression finds out. */
interface Finding {
  readonly shape: Shape;
  /** Steps it takes at most, whatever the case. */
  readonly cost: number;
}

type Scope = ReadonlyMap<string, Shape>;

/** Steps that calls take which are no single ones, as measured: a regular expression, and an instant in a zone. */
const MATCH_COST = 30;
const ZONE_COST = 150;

/** Where macros gather what they have found; no name a rule can write. */
const GATHERED = '@result';

/** Thrown where an expression cannot be asked. */
export class ExpressionProblem extends Error {
  override name = 'ExpressionProblem';
  readonly at: bigint;

  constructor(problem: string, at: bigint) {
    super(problem);
    this.at = at;
  }
}

/**
 * The shape and the greatest cost of an expression.
 * @throws ExpressionProblem at the part that is wrong
 */
export function checkExpression(expression: Expression): Finding {
  return find(expression, new Map(Object.entries(VARIABLES)));
}

function find(expression: Expression | undefined, scope: Scope): Finding {
  if (expression === undefined) throw new ExpressionProblem('a part is missing', 0n);
  const { id, exprKind } = expression;
  switch (exprKind.case) {
    case 'constExpr':
      return { shape: constantShape(exprKind.value), cost: 1 };
    case 'identExpr':
      return { shape: named(exprKind.value.name, scope, id), cost: 1 };
    case 'selectExpr':
      return findSelect(exprKind.value, scope, id);
    case 'callExpr':
      return findCall(exprKind.value, scope, id);
    case 'listExpr': {
      const parts = exprKind.value.elements.map((element) => find(element, scope));
      const element = parts.reduce<Shape>((shape, part) => join(shape, part.shape), NOTHING);
      return { shape: { kind: 'list', element, size: parts.length }, cost: sum(parts) };
    }
    case 'structExpr':
      return findMap(exprKind.value, scope, id);
    case 'comprehensionExpr':
      return findLoop(exprKind.value, scope, id);
    default:
      throw new ExpressionProblem('is no expression', id);
  }
}

function sum(parts: readonly Finding[]): number {
  return parts.reduce((cost, part) => cost + part.cost, 1);
}

function constantShape(constant: Of<'constExpr'>): Shape {
  const kind = constant.constantKind.case ?? 'nullValue';
  return scalar(kind === 'nullValue' ? 'null_type' : kind.replace(/64?Value$|Value$/, ''));
}

function named(name: string, scope: Scope, id: bigint): Shape {
  const known = scope.get(name);
  if (known !== undefined) return known;
  if (TYPE_NAMES.includes(name)) return scalar('type');
  throw new ExpressionProblem(`nothing is called ${name}`, id);
}

function findSelect({ operand, field, testOnly }: Of<'selectExpr'>, scope: Scope, id: bigint): Finding {
  const of = find(operand, scope);
  const shape = fieldOf(of.shape, field, id);
  return { shape: testOnly ? BOOL : shape, cost: of.cost + 1 };
}

function fieldOf(shape: Shape, field: string, id: bigint): Shape {
  if (shape.kind === 'map') return shape.value;
  if (shape.kind === 'object' && Object.hasOwn(shape.fields, field)) return shape.fields[field] ?? DYN;
  if (isOpen(shape)) return DYN;
  throw new ExpressionProblem(`${nameOf(shape)} has no field ${field}`, id);
}

function findMap({ messageName, entries }: Of<'structExpr'>, scope: Scope, id: bigint): Finding {
  if (messageName !== '') throw new ExpressionProblem(`rules make no ${messageName}`, id);
  const parts = entries.flatMap(({ keyKind, value }) => {
    if (keyKind.case !== 'mapKey') throw new ExpressionProblem('a map has keys in quotation marks', id);
    return [find(keyKind.value, scope), find(value, scope)];
  });
  const value = parts.filter((_, at) => at % 2 === 1).reduce<Shape>((shape, part) => join(shape, part.shape), NOTHING);
  return { shape: { kind: 'map', value, size: entries.length }, cost: sum(parts) };
}

function findCall(call: Call, scope: Scope, id: bigint): Finding {
  const target = call.target === undefined ? null : find(call.target, scope);
  const args = call.args.map((arg) => find(arg, scope));
  const shapes = args.map(({ shape }) => shape);
  const shape = operatorShape(call, shapes, id) ?? functionShape(call, target?.shape ?? null, shapes, id);
  const slow = call.function === 'matches' ? MATCH_COST : isZoned(call) ? ZONE_COST : 0;
  return { shape, cost: sum(target === null ? args : [target, ...args]) + slow };
}

function isZoned(call: Call): boolean {
  return call.function.startsWith('get') && call.args.length > 0;
}

/** What the operators answer whose arguments no table tells; null for the others. */
function operatorShape({ function: name }: Call, args: readonly Shape[], id: bigint): Shape | null {
  const [first = NOTHING, second = NOTHING, third = NOTHING] = args;
  switch (name) {
    case '_&&_':
    case '_||_':
    case '@not_strictly_false':
      for (const arg of args) expectBool(arg, id);
      return BOOL;
    case '_?_:_':
      expectBool(first, id);
      return join(second, third);
    case '_==_':
    case '_!=_':
      if (areComparable(first, second)) return BOOL;
      throw new ExpressionProblem(`${nameOf(first)} is never equal to ${nameOf(second)}`, id);
    case '@in':
      return inShape(first, second, id);
    case '_[_]':
      return elementOf(first, second, id);
    case '_+_':
      return first.kind === 'list' && second.kind === 'list' ? joinedLists(first, second) : null;
    default:
      return null;
  }
}

function expectBool(shape: Shape, id: bigint): void {
  if (!isScalar(shape, 'bool') && !isOpen(shape)) {
    throw new ExpressionProblem(`${nameOf(shape)} stands where true or false must`, id);
  }
}

function inShape(element: Shape, container: Shape, id: bigint): Shape {
  const inside = container.kind === 'list' ? container.element : container.kind === 'map' ? STRING : null;
  if (inside === null && !isOpen(container)) throw new ExpressionProblem(`nothing is in a ${nameOf(container)}`, id);
  if (inside === null || areComparable(element, inside)) return BOOL;
  throw new ExpressionProblem(`${nameOf(element)} is never in a ${container.kind} of ${nameOf(inside)}`, id);
}

function elementOf(container: Shape, index: Shape, id: bigint): Shape {
  if (container.kind === 'list' && (isScalar(index, 'int', 'uint') || isOpen(index))) return container.element;
  if (container.kind === 'map') return container.value;
  if (isOpen(container)) return DYN;
  throw new ExpressionProblem(`${nameOf(container)} has no element by ${nameOf(index)}`, id);
}

function joinedLists(a: Extract<Shape, { kind: 'list' }>, b: Extract<Shape, { kind: 'list' }>): Shape {
  return { kind: 'list', element: join(a.element, b.element), size: a.size + b.size };
}

/** What a function answers, by all ways it may be called with what is known of its arguments. */
function functionShape(call: Call, target: Shape | null, args: readonly Shape[], id: bigint): Shape {
  const known = FUNCTIONS.get(call.function);
  if (known === undefined) throw new ExpressionProblem(`no function is called ${call.function}`, id);
  // What may be a list would make one of unknown size.
  const isVague = call.function === '_+_' && args.some(isOpen);
  const fitting = isVague ? [] : known.filter((one) => fits(one, target, args));
  const [first, ...others] = fitting.map(resultOf);
  if (first !== undefined) return others.reduce(join, first);
  const asked = args.map(nameOf).join(', ');
  const on = target === null ? '' : ` of ${nameOf(target)}`;
  throw new ExpressionProblem(`${call.function}${on} does not take (${asked})`, id);
}

function fits({ target, arguments: parameters }: CelFunc, on: Shape | null, args: readonly Shape[]): boolean {
  if ((target === undefined) !== (on === null) || parameters.length !== args.length) return false;
  if (target !== undefined && on !== null && !isTaken(target, on)) return false;
  return parameters.every((parameter, at) => isTaken(parameter, args[at] ?? DYN));
}

/** A macro such as `all` or `filter`: its body takes its steps for each element. */
function findLoop(loop: Comprehension, scope: Scope, id: bigint): Finding {
  const range = find(loop.iterRange, scope);
  if (range.shape.kind !== 'list' && range.shape.kind !== 'map') {
    throw new ExpressionProblem(`${nameOf(range.shape)} is no list or map of known size`, id);
  }
  const element = range.shape.kind === 'list' ? range.shape.element : STRING;
  const start = find(loop.accuInit, scope);
  const inside = new Map([...scope, [loop.accuVar, start.shape], [loop.iterVar, element]]);
  const [condition, step] = [find(loop.loopCondition, inside), find(loop.loopStep, inside)];
  const gathered = grown(join(start.shape, step.shape), start.shape, range.shape.size);
  const result = find(loop.result, new Map([...scope, [GATHERED, gathered], [loop.accuVar, gathered]]));
  const cost = range.cost + start.cost + result.cost + range.shape.size * (condition.cost + step.cost);
  return { shape: result.shape, cost };
}

/** What one step adds to a list, each step adds. */
function grown(after: Shape, before: Shape, steps: number): Shape {
  if (after.kind !== 'list' || before.kind !== 'list') return after;
  return { ...after, size: before.size + steps * (after.size - before.size) };
}
