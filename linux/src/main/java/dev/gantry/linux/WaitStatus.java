package dev.gantry.linux;

/**
 * What waitid(2) reported.
 *
 * @param code CLD_EXITED, CLD_KILLED … of {@link Wait}
 * @param status the exit code, or the signal's number
 */
public record WaitStatus(int pid, int code, int status) {
    public boolean exited() {
        return code == Wait.CLD_EXITED;
    }

    public boolean killed() {
        return code == Wait.CLD_KILLED || code == Wait.CLD_DUMPED;
    }

    /** The exit code as shells and Kubernetes count it: 128 and the signal for a process that was killed. */
    public int exitCode() {
        return exited() ? status : 128 + status;
    }

    /** From the status word of wait(2) and of pidfs. */
    static WaitStatus ofWord(int pid, int word) {
        int signal = word & 0x7f;
        if (signal == 0) {
            return new WaitStatus(pid, Wait.CLD_EXITED, word >> 8 & 0xff);
        }
        return new WaitStatus(pid, (word & 0x80) == 0 ? Wait.CLD_KILLED : Wait.CLD_DUMPED, signal);
    }
}
