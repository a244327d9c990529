// The width of an element as state.
import { type RefObject, useEffect, useRef, useState } from 'react';

/** A ref for the element, and its inner width in px (rounded down to 40 px, so that dragging asks less). */
export function useWidth<E extends HTMLElement>(initialPx: number): [RefObject<E | null>, number] {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(initialPx);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => setWidth(Math.max(200, Math.floor(element.clientWidth / 40) * 40));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
