/* What mbedTLS is made of in the WebAssembly build. */
#define MBEDTLS_AES_C
#define MBEDTLS_CCM_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_GCM_C
#define MBEDTLS_SHA1_C

#include "mbedtls/check_config.h"
