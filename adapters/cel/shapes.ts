import type { CelType } from '@bufbuild/cel';

/** What is known of a value before any case is asked: its type, and how many elements it has at most. */
export type Shape =
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'list'; readonly element: Shape; readonly size: number }
  | { readonly kind: 'map'; readonly value: Shape; readonly size: number }
  | { readonly kind: 'object'; readonly name: string; readonly fields: Readonly<Record<string, Shape>> };

export const BOOL = scalar('bool');
export const STRING = scalar('string');
export const INT = scalar('int');
export const TIMESTAMP = scalar('google.protobuf.Timestamp');
/** May be anything. */
export const DYN = scalar('dyn');
/** The element of an empty list, which fits everywhere. */
export const NOTHING = scalar('nothing');

const NUMBERS = ['int', 'uint', 'double'];

export function scalar(name: string): Shape {
  return { kind: 'scalar', name };
}

export function isScalar(shape: Shape, ...names: string[]): boolean {
  return shape.kind === 'scalar' && names.includes(shape.name);
}

/** Whether nothing is known of a value. */
export function isOpen(shape: Shape): boolean {
  return isScalar(shape, 'dyn', 'nothing');
}

/** The shape of what may be either. */
export function join(a: Shape, b: Shape): Shape {
  if (isScalar(a, 'nothing')) return b;
  if (isScalar(b, 'nothing')) return a;
  if (a.kind === 'list' && b.kind === 'list') {
    return { kind: 'list', element: join(a.element, b.element), size: Math.max(a.size, b.size) };
  }
  if (a.kind === 'map' && b.kind === 'map') {
    return { kind: 'map', value: join(a.value, b.value), size: Math.max(a.size, b.size) };
  }
  return nameOf(a) === nameOf(b) ? a : DYN;
}

/** Whether two values can ever be equal. */
export function areComparable(a: Shape, b: Shape): boolean {
  if (isOpen(a) || isOpen(b) || nameOf(a) === nameOf(b)) return true;
  return [a, b].every((shape) => isScalar(shape, ...NUMBERS));
}

/** Whether a function that takes a type takes a value of this shape. */
export function isTaken(by: CelType, shape: Shape): boolean {
  return by.name === 'dyn' || isOpen(shape) || by.name === nameOf(shape);
}

export function nameOf(shape: Shape): string {
  return shape.kind === 'scalar' || shape.kind === 'object' ? shape.name : shape.kind;
}
