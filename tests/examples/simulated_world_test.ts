/** The example's tests are tests of ours. */

import "../../examples/11_simulated_world/orders_test.ts";
