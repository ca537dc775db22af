package dev.gantry.runtime.seccomp;

import java.util.List;
import java.util.Locale;

/** A set of system call numbers, as {@code seccomp_data.arch} tells them apart. */
public enum SeccompArchitecture {
    // linux/audit.h
    X86_64(0xC000003E, "amd64", "SCMP_ARCH_X86_64"),
    X86(0x40000003, "x86", "SCMP_ARCH_X86"),
    AARCH64(0xC00000B7, "arm64", "SCMP_ARCH_AARCH64"),
    ARM(0x40000028, "arm", "SCMP_ARCH_ARM");

    private final int auditArch;
    private final String profileName;
    private final String libraryName;

    SeccompArchitecture(int auditArch, String profileName, String libraryName) {
        this.auditArch = auditArch;
        this.profileName = profileName;
        this.libraryName = libraryName;
    }

    /** AUDIT_ARCH_…, to be compared unsigned. */
    public int auditArch() {
        return auditArch;
    }

    /** As Docker's profiles write it in {@code includes.arches}. */
    String profileName() {
        return profileName;
    }

    /** As OCI's {@code architectures} write it. */
    String libraryName() {
        return libraryName;
    }

    /** Which programs a kernel of this kind runs, itself first. */
    List<SeccompArchitecture> family() {
        return switch (this) {
            case X86_64 -> List.of(X86_64, X86);
            case AARCH64 -> List.of(AARCH64, ARM);
            case X86, ARM -> List.of(this);
        };
    }

    /** The machine's kernel, by the JVM's {@code os.arch}. */
    public static SeccompArchitecture ofMachine(String osArch) {
        return switch (osArch.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64" -> X86_64;
            case "aarch64", "arm64" -> AARCH64;
            default ->
                throw new IllegalArgumentException(
                        "seccomp for machine '%s': known are amd64 and aarch64".formatted(osArch));
        };
    }
}
