/** The colours that services had on this page load, so that search and traces show them alike. */

import type { ColourMemory } from './service-colours.ts';

export const colourMemory: ColourMemory = new Map();
