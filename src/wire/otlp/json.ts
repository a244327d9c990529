/**
 * OTLP/JSON into OTLP protobuf. The rules are those of the OTLP specification ("JSON Protobuf Encoding"): ids in
 * hexadecimal, lowerCamelCase names, unknown names ignored, 64-bit integers as string or number. Names of enum
 * values are taken as well, although the specification does not want them written.
 */

import { InputError } from '../../model/errors.ts';
import { ProtobufWriter } from '../protobuf.ts';
import type { FieldSchema, MessageSchema } from './schema.ts';

/** Nesting of messages: deep enough for a metric's exemplar with a nested attribute value. */
const MAX_DEPTH = 80;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Brings a JSON body into protobuf. Throws InputError with the place of what is wrong. */
export function otlpJsonToProtobuf(body: Uint8Array, schema: MessageSchema): Uint8Array {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (cause) {
    throw new InputError('malformed JSON: body is not UTF-8', { cause });
  }
  let value: unknown;
  try {
    // Integers beyond 2^53 lose digits in a double: then the source text of numbers is kept (slower).
    value = /[:[,]\s*-?\d{16}/.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch (cause) {
    throw new InputError(`malformed JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const writer = new ProtobufWriter(Math.max(256, body.length >>> 1));
  writeMessage(writer, value, schema, '', 0);
  return writer.finish();
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? source : value;
}

function fail(path: string, what: string): never {
  throw new InputError(`invalid OTLP JSON at ${path === '' ? 'the top' : path}: ${what}`);
}

function writeMessage(
  writer: ProtobufWriter,
  value: unknown,
  schema: MessageSchema,
  path: string,
  depth: number,
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(path, 'must be an object');
  if (depth > MAX_DEPTH) fail(path, 'nested too deeply');
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(schema, name)) continue;
    const field = schema[name] as FieldSchema;
    const content = (value as Record<string, unknown>)[name];
    if (content === null || content === undefined) continue;
    const at = path === '' ? name : `${path}.${name}`;
    if (field.repeated !== true) {
      writeField(writer, field, content, at, depth);
      continue;
    }
    if (!Array.isArray(content)) fail(at, 'must be an array');
    if (typeof field.type === 'object') {
      for (let i = 0; i < content.length; i++) writeField(writer, field, content[i], `${at}[${i}]`, depth);
    } else {
      writer.message(field.number, () => {
        for (let i = 0; i < content.length; i++) writePacked(writer, field, content[i], `${at}[${i}]`);
      });
    }
  }
}

function writeField(
  writer: ProtobufWriter,
  field: FieldSchema,
  value: unknown,
  path: string,
  depth: number,
): void {
  const { number, type } = field;
  if (typeof type === 'object') {
    writer.message(number, () => writeMessage(writer, value, type, path, depth + 1));
    return;
  }
  switch (type) {
    case 'string':
      if (typeof value !== 'string') fail(path, 'must be a string');
      writer.string(number, value);
      return;
    case 'hex':
      if (typeof value !== 'string' || value.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(value)) {
        fail(path, 'must be a string of hexadecimal digits');
      }
      writer.bytes(number, Buffer.from(value, 'hex'));
      return;
    case 'bytes':
      if (typeof value !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) fail(path, 'must be base64');
      writer.bytes(number, Buffer.from(value, 'base64'));
      return;
    case 'bool':
      if (typeof value !== 'boolean') fail(path, 'must be true or false');
      writer.uint32(number, value ? 1 : 0);
      return;
    case 'enum': {
      const code =
        typeof value === 'string' ? (field.names?.[value] ?? integer(value, path)) : integer(value, path);
      writer.int64(number, BigInt.asIntN(32, BigInt(code)));
      return;
    }
    case 'uint32':
      writer.uint32(number, uint32(value, path));
      return;
    case 'fixed32':
      writer.fixed32(number, uint32(value, path));
      return;
    case 'sint32': {
      const code = Number(integer(value, path));
      if (code < -0x80000000 || code > 0x7fffffff) fail(path, 'does not fit 32 bits');
      writer.sint32(number, code);
      return;
    }
    case 'int64':
      writer.int64(number, signed(value, path));
      return;
    case 'uint64':
      writer.int64(number, unsigned(value, path));
      return;
    case 'fixed64':
      writer.fixed64(number, unsigned(value, path));
      return;
    case 'sfixed64':
      writer.fixed64(number, signed(value, path));
      return;
    case 'double':
      writer.double(number, double(value, path));
  }
}

function writePacked(writer: ProtobufWriter, field: FieldSchema, value: unknown, path: string): void {
  switch (field.type) {
    case 'uint64':
      writer.varint64(unsigned(value, path));
      return;
    case 'fixed64':
      writer.rawFixed64(unsigned(value, path));
      return;
    case 'double':
      writer.rawDouble(double(value, path));
      return;
    default:
      throw new Error(`no packed form for field ${field.number}`);
  }
}

function integer(value: unknown, path: string): bigint {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'string') {
    if (/^-?\d{1,20}$/.test(value)) return BigInt(value);
    const number = Number(value);
    if (value.trim() !== '' && Number.isInteger(number)) return BigInt(number);
  }
  fail(path, 'must be an integer, as number or string');
}

function uint32(value: unknown, path: string): number {
  const number = integer(value, path);
  if (number < 0n || number > 0xffffffffn) fail(path, 'does not fit 32 bits without sign');
  return Number(number);
}

function signed(value: unknown, path: string): bigint {
  const number = integer(value, path);
  if (BigInt.asIntN(64, number) !== number) fail(path, 'does not fit 64 bits');
  return number;
}

function unsigned(value: unknown, path: string): bigint {
  const number = integer(value, path);
  if (BigInt.asUintN(64, number) !== number) fail(path, 'does not fit 64 bits without sign');
  return number;
}

function double(value: unknown, path: string): number {
  if (typeof value === 'number') return value;
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Infinity;
  if (value === '-Infinity') return -Infinity;
  if (typeof value === 'string' && value.trim() !== '') {
    const number = Number(value);
    if (!Number.isNaN(number)) return number;
  }
  fail(path, 'must be a number, "NaN", "Infinity" or "-Infinity"');
}
