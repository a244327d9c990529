/** The shop's page for people: what can be bought, a button to do it, and the trace id of what happened. */

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly priceCents: number;
}

const euro = (cents: number): string => `€${(cents / 100).toFixed(2)}`;

/** The home page as HTML. The goods are the shop's own, so nothing in it comes from a visitor. */
export function homePage(products: readonly Shown[], traceId: string): string {
  const rows = products
    .map(
      (product) =>
        `<li><span>${product.name}</span><span>${euro(product.priceCents)}</span>` +
        `<button data-id="${product.id}">Buy</button></li>`,
    )
    .join('');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Demo shop</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 2rem auto; padding: 0 1rem }
  li { display: flex; gap: 1rem; padding: .25rem 0 } li span:first-child { flex: 1 }
  ul { padding: 0 } output { display: block; font-family: ui-monospace, monospace; min-height: 3rem }
</style>
<h1>Demo shop</h1>
<p>Every click here is a trace. This page's own: <code>${traceId}</code></p>
<ul>${rows}</ul>
<output></output>
<script>
  document.querySelector('ul').addEventListener('click', async (event) => {
    const productId = event.target.dataset.id;
    if (!productId) return;
    const out = document.querySelector('output');
    out.textContent = 'ordering ...';
    const answer = await fetch('/checkout', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: [{ productId, quantity: 1 }], method: 'card' }),
    });
    const body = await answer.json();
    out.textContent = (body.orderId ? 'ordered: ' + body.orderId : 'failed: ' + body.error) +
      ' (trace ' + answer.headers.get('x-trace-id') + ')';
  });
</script>
</html>`;
}
