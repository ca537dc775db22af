package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.AppArmorProfile;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.SeccompProfile;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.WindowsSecurityContextOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Security contexts and profiles. */
final class SecurityValidation {
    private static final List<String> PROFILES = List.of("Localhost", "RuntimeDefault", "Unconfined");

    private static final int MAX_PROFILE_NAME = PathRules.MAX_PATH;

    private final FieldErrors errors;

    SecurityValidation(FieldErrors errors) {
        this.errors = errors;
    }

    void container(String path, SecurityContext context, PodSpec spec) {
        errors.id(path + ".runAsUser", context.getRunAsUser());
        errors.id(path + ".runAsGroup", context.getRunAsGroup());
        errors.oneOf(path + ".procMount", context.getProcMount(), List.of("Default", "Unmasked"));
        if ("Unmasked".equals(context.getProcMount()) && !Boolean.FALSE.equals(spec.getHostUsers())) {
            errors.invalid(path + ".procMount", context.getProcMount(), "`hostUsers` must be false to use `Unmasked`");
        }
        if (Boolean.FALSE.equals(context.getAllowPrivilegeEscalation())) {
            if (Boolean.TRUE.equals(context.getPrivileged())) {
                errors.invalid(path, "{…}", "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
            }
            if (context.getCapabilities() != null
                    && PodValidation.orEmpty(context.getCapabilities().getAdd()).contains("CAP_SYS_ADMIN")) {
                errors.invalid(
                        path,
                        "{…}",
                        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
            }
        }
        windows(path, context.getWindowsOptions());
        seccomp(path + ".seccompProfile", context.getSeccompProfile());
        appArmor(path + ".appArmorProfile", context.getAppArmorProfile());
    }

    void pod(String path, PodSecurityContext context) {
        errors.oneOf(
                path + ".seLinuxChangePolicy", context.getSeLinuxChangePolicy(), List.of("MountOption", "Recursive"));
        windows(path, context.getWindowsOptions());
        seccomp(path + ".seccompProfile", context.getSeccompProfile());
        appArmor(path + ".appArmorProfile", context.getAppArmorProfile());
    }

    private void windows(String path, @Nullable WindowsSecurityContextOptions options) {
        if (options != null) {
            errors.add(FieldError.forbidden(path + ".windowsOptions", "windows options cannot be set for a linux pod"));
        }
    }

    private void seccomp(String path, @Nullable SeccompProfile profile) {
        if (profile != null) {
            profile(path, profile.getType(), profile.getLocalhostProfile(), true);
        }
    }

    private void appArmor(String path, @Nullable AppArmorProfile profile) {
        if (profile != null) {
            profile(path, profile.getType(), profile.getLocalhostProfile(), false);
        }
    }

    private void profile(String path, @Nullable String type, @Nullable String localhost, boolean isPath) {
        if (!errors.required(
                path + ".type",
                type,
                isPath
                        ? "type is required when seccompProfile is set"
                        : "type is required when appArmorProfile is set")) {
            return;
        }
        errors.oneOf(path + ".type", type, PROFILES);
        if ("Localhost".equals(type)) {
            if (errors.required(path + ".localhostProfile", localhost, "must be set when type is Localhost")
                    && isPath) {
                PathRules.relative(errors, path + ".localhostProfile", String.valueOf(localhost));
            } else if (localhost != null && !localhost.equals(localhost.strip())) {
                errors.invalid(path + ".localhostProfile", localhost, "must not be padded with whitespace");
            } else if (localhost != null && localhost.length() > MAX_PROFILE_NAME) {
                errors.add(FieldError.tooLong(path + ".localhostProfile", MAX_PROFILE_NAME));
            }
        } else if (localhost != null && !localhost.isEmpty()) {
            errors.invalid(path + ".localhostProfile", localhost, "can only be set when type is Localhost");
        }
    }
}
