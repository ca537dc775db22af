package dev.gantry.netns;

/**
 * Something this machine does not offer to the pod network.
 *
 * @param feature what is switched off, e.g. {@code hostPort}
 * @param reason the operation that failed and the kernel's answer
 * @param remedy what an operator can do
 */
public record NetworkLimitation(String feature, String reason, String remedy) {
    @Override
    public String toString() {
        return feature + " is off: " + reason + " (" + remedy + ")";
    }
}
