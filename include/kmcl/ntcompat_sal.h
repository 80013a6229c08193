/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The annotations that Microsoft's analyser reads (SAL), which are empty here.
 * The older IN, OUT and OPTIONAL are not among them: headers of the kernel use
 * these names for other things.
 */
#ifndef _KMCL_NTCOMPAT_SAL_H
#define _KMCL_NTCOMPAT_SAL_H

/* Parameters */
#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_range_(low, high)
#define _In_reads_(size)
#define _In_reads_opt_(size)
#define _In_reads_bytes_(size)
#define _In_reads_bytes_opt_(size)
#define _In_reads_or_z_(size)
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(size)
#define _Inout_updates_bytes_(size)
#define _Out_
#define _Out_opt_
#define _Out_writes_(size)
#define _Out_writes_opt_(size)
#define _Out_writes_all_(size)
#define _Out_writes_bytes_(size)
#define _Out_writes_bytes_opt_(size)
#define _Out_writes_bytes_to_(size, count)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Outptr_result_bytebuffer_(size)
#define _Pre_notnull_
#define _Pre_maybenull_
#define _Post_invalid_
#define _Printf_format_string_
#define _Reserved_
#define _Const_
#define __drv_aliasesMem
#define __drv_freesMem(kind)

/* Results */
#define _Check_return_
#define _Must_inspect_result_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Ret_range_(low, high)
#define _Success_(expression)
#define _Return_type_success_(expression)

/* Structures */
#define _Field_range_(low, high)
#define _Field_size_(size)
#define _Field_size_opt_(size)
#define _Field_size_bytes_(size)
#define _Null_terminated_
#define _Struct_size_bytes_(size)

/* Conditions */
#define _At_(target, annotations)
#define _When_(expression, annotations)
#define _Analysis_assume_(expression)
#define _Analysis_assume_lock_held_(lock)
#define _Function_class_(name)
#define _Use_decl_annotations_

/* Levels and locks */
#define _IRQL_requires_(level)
#define _IRQL_requires_max_(level)
#define _IRQL_requires_min_(level)
#define _IRQL_requires_same_
#define _IRQL_raises_(level)
#define _IRQL_saves_
#define _IRQL_restores_
#define _IRQL_saves_global_(kind, parameter)
#define _IRQL_restores_global_(kind, parameter)
#define _IRQL_uses_cancel_
#define _Acquires_lock_(lock)
#define _Releases_lock_(lock)
#define _Acquires_exclusive_lock_(lock)
#define _Releases_exclusive_lock_(lock)
#define _Requires_lock_held_(lock)
#define _Requires_lock_not_held_(lock)
#define _Guarded_by_(lock)
#define _Write_guarded_by_(lock)
#define _Interlocked_
#define _Interlocked_operand_

#endif
