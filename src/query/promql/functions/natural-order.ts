/** Natural order of strings: runs of digits compare as numbers ("node2" before "node10"). */

/** Negative, zero or positive. Equal numbers with more leading zeros come later. */
export function compareNatural(a: string, b: string): number {
  if (a === b) return 0;
  const x = chunks(a);
  const y = chunks(b);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const p = x[i] as string;
    const q = y[i] as string;
    if (p === q) continue;
    if (/^\d/.test(p) && /^\d/.test(q)) {
      const order = compareDigits(p, q);
      if (order !== 0) return order;
    } else return p < q ? -1 : 1;
  }
  if (x.length !== y.length) return x.length - y.length;
  return a.length - b.length || (a < b ? -1 : 1);
}

function chunks(text: string): string[] {
  return text.match(/\d+|\D+/g) ?? [];
}

function compareDigits(a: string, b: string): number {
  const p = a.replace(/^0+/, '');
  const q = b.replace(/^0+/, '');
  if (p.length !== q.length) return p.length - q.length;
  if (p !== q) return p < q ? -1 : 1;
  return a.length - b.length;
}
