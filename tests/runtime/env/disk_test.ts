import { mountedDisk } from "../../../runtime/env/real/mounted_disk.ts";
import { diskSuite } from "./disk_suite.ts";
import { REAL, type Side, SIMULATED } from "./subject.ts";

const MOUNTED: Side = {
  name: "real, off the thread",
  open: () => {
    const subject = REAL.open();
    return { ...subject, env: { ...subject.env, disk: mountedDisk } };
  },
};

diskSuite(REAL);
diskSuite(SIMULATED);
diskSuite(MOUNTED);
