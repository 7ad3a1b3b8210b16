/** Where in its life an actor is. */
export const Phase = { running: 0, draining: 1, halting: 2, halted: 3, dead: 4 } as const;
export type Phase = typeof Phase[keyof typeof Phase];
