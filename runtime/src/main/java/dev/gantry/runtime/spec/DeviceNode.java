package dev.gantry.runtime.spec;

/**
 * A device file to make in a container.
 *
 * @param path in the container, absolute
 * @param block otherwise a character device
 * @param permissions mode bits, e.g. 0666
 * @param access what the device filter allows: some of {@code rwm}
 */
public record DeviceNode(
        String path, boolean block, int major, int minor, int permissions, int uid, int gid, String access) {
    DeviceNode at(String otherPath, String otherAccess) {
        return new DeviceNode(otherPath, block, major, minor, permissions, uid, gid, otherAccess);
    }
}
